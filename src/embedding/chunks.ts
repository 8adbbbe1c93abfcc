/** Parts of one text, at most. What lies beyond them has no vector; keywords still find it. */
export const maxChunks = 4096;

/**
 * Tokens of a part of a text that is longer than its embedder reads. What one sentence says is lost in the vector of many: in 100 kB of
 * minutes, questions for the one odd sentence in the last line had a cosine of .18, .09, .18, .08 with the built-in model in parts
 * of 256 tokens (what else is said there: .14, .03, .13, .08) and .24, .51, .63, .30 in parts of 64 (.15, .09, .20, .09); with
 * MiniLM .17, .26, .35, .19 and .35, .54, .64, .46.
 */
const tokensPerPart = 64;
// Of the parts, so that those of the longest text are still enough: cuts at white space make parts shorter.
const leastFill = 0.6;

/** The share of a part that the next one repeats, so that what a cut would tear apart stands whole in one of them. */
const overlap = 0.15;
/** How far back from the end of a part white space is looked for, as a share of the part. */
const searched = 0.25;
/** Tokens that a model adds to mark the beginning and the end. */
const markers = 2;

// Thirds of a token a character stands for. Measured with MiniLM's WordPiece on windows of 600 characters: English chat 4.1
// characters a token (1 in 100 windows below 3.6), English documentation 2.9, German and French 3.0, source code 3.4, so that
// three a token leave room. Numbers 2.1, minified code 1.7, base 16 with separators 1.4, Russian 1.2, Chinese 1, all counted as
// one each; Korean, which is taken apart into its letters, 0.8.
const third = 1;
const whole = 3;
const hangul = 6;

/**
 * A text in parts that an embedder can read whole, in order, each a piece of the text as it stands; together they cover it.
 * Neighbours overlap by about 15 %. Cuts fall at white space where there is some, and never inside a surrogate pair. A text that
 * fits, and an empty one, is its only part. Parts have some 64 tokens, and more where else there would be too many of them.
 *
 * No tokenizer is at hand here, so `maxTokens` is compared with an estimate that errs on the long side (`estimateTokens`). At most
 * 4,096 parts.
 */
export function splitIntoChunks(text: string, maxTokens: number): string[] {
  const whole = budgetOf(maxTokens);
  if (endOfPart(text, 0, whole) >= text.length) return [text];
  const enough = Math.ceil(estimateTokens(text) / (maxChunks * (1 - overlap) * leastFill)) + markers;
  const budget = Math.min(whole, budgetOf(Math.max(tokensPerPart, enough)));
  const parts: string[] = [];
  let start = 0;
  while (parts.length < maxChunks) {
    const end = endOfPart(text, start, budget);
    parts.push(text.slice(start, end));
    if (end >= text.length) break;
    start = startOfNext(text, start, end, budget * overlap);
  }
  return parts;
}

/** The first part of a text, as `splitIntoParts` would make it. */
export function firstChunk(text: string, maxTokens: number): string {
  return text.slice(0, endOfPart(text, 0, budgetOf(maxTokens)));
}

/** How many tokens a text has at most, as a rule: WordPiece and byte-pair tokenizers mostly make fewer. Empty text has none. */
export function estimateTokens(text: string): number {
  let cost = 0;
  for (let i = 0; i < text.length; i += width(text, i)) cost += costAt(text, i);
  return Math.ceil(cost / whole);
}

function budgetOf(maxTokens: number): number {
  return Math.max(whole, (maxTokens - markers) * whole);
}

function endOfPart(text: string, start: number, budget: number): number {
  // Always at least one character, so that any budget comes to an end.
  let end = start + width(text, start);
  let cost = costAt(text, start);
  while (end < text.length && cost + costAt(text, end) <= budget) {
    cost += costAt(text, end);
    end += width(text, end);
  }
  if (end >= text.length) return text.length;
  const earliest = end - Math.floor((end - start) * searched);
  for (let i = end; i > earliest; i--) if (isSpace(text, i - 1)) return i;
  return end;
}

function startOfNext(text: string, start: number, end: number, wanted: number): number {
  let next = end;
  let cost = 0;
  while (cost < wanted) {
    const before = next - (isLowHalf(text, next - 1) ? 2 : 1);
    cost += costAt(text, before);
    // The next part begins after this one does, however small the budget.
    if (before <= start || cost > wanted) break;
    next = before;
  }
  for (let i = next; i < end; i++) if (isSpace(text, i - 1)) return i;
  return next;
}

function costAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  const isAsciiLetter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
  if (isAsciiLetter || code === 32 || (code >= 9 && code <= 13)) return third;
  return code >= 0xac00 && code <= 0xd7a3 ? hangul : whole;
}

function width(text: string, index: number): 1 | 2 {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}

function isLowHalf(text: string, index: number): boolean {
  return index > 0 && width(text, index - 1) === 2;
}

function isSpace(text: string, index: number): boolean {
  return /\s/.test(text.charAt(index));
}
