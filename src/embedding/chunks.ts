/** The largest number of chunks of one text. Text after the last chunk has no vector; keyword search still finds it. */
export const maxChunks = 4096;

/**
 * The number of tokens in one chunk, if a text is longer than its embedder reads. Chunks are short because in the vector of a long
 * chunk a single sentence hardly counts. Measured with questions about the one unusual sentence at the end of 100 kB of minutes. The
 * cosines of that sentence, and of the best other chunk in parentheses: with the built-in model .18, .09, .18, .08 (.14, .03, .13,
 * .08) in chunks of 256 tokens, and .24, .51, .63, .30 (.15, .09, .20, .09) in chunks of 64; with MiniLM .17, .26, .35, .19 in
 * chunks of 256, and .35, .54, .64, .46 in chunks of 64.
 */
const tokensPerChunk = 64;
/** The smallest share of a chunk that is filled. Chunks are cut at white space, so most are shorter than their budget. */
const minFill = 0.6;

/**
 * Separates the sections of a text. Each section is embedded separately. Readers and tokenizers treat a form feed as white space,
 * and texts that contain form feeds, such as documents with pages, use them for the same purpose.
 */
export const sectionBreak = '\f';
/** The largest number of sections in one text. In a text with more sections, the breaks are treated like other white space. */
const maxSections = maxChunks / 4;

/** The share of a chunk that is repeated in the next chunk, so that a sentence at the cut is complete in one of them. */
const overlap = 0.15;
/** The last part of a chunk, as a share, in which white space is searched for the cut. */
const cutRange = 0.25;
/** The tokens that a model adds at the beginning and the end of a text. */
const markerTokens = 2;

// The cost of a character, in thirds of a token. Measured with the WordPiece tokenizer of MiniLM on windows of 600 characters.
// Characters per token: English chat 4.1 (below 3.6 in 1 of 100 windows), English documentation 2.9, German and French 3.0, source
// code 3.4. ASCII letters and spaces therefore count as a third of a token. Digits have 2.1, minified code 1.7, base 16 with
// separators 1.4, Russian 1.2, Chinese 1. One token for each of these characters is therefore a safe estimate. Korean has 0.8,
// because WordPiece splits its syllables.
const letterCost = 1;
const tokenCost = 3;
const hangulCost = 6;

/**
 * Splits a text into chunks that an embedder can read completely. Each chunk is a substring of the text. The chunks are in order,
 * cover the whole text, and neighbours overlap by about 15 %. Cuts are at white space if there is some nearby, and never inside a
 * surrogate pair. A text that fits into `maxTokens`, or is empty, is returned as the only chunk. Chunks of a longer text have about
 * 64 tokens, or more if the text would otherwise have more than 4,096 chunks.
 *
 * A text is first split at each `sectionBreak`, so that no chunk contains words of two sections. White space around a break is in no
 * chunk.
 *
 * Tokens are estimated (see `estimateTokens`), because the tokenizer of the embedder is not known here.
 */
export function splitIntoChunks(text: string, maxTokens: number): string[] {
  const sections = text.includes(sectionBreak) ? sectionsOf(text) : [text];
  const maxBudget = budgetOf(maxTokens);
  // Allows for one chunk in each section that is not full.
  const fullChunks = (maxChunks - (sections.length - 1)) * (1 - overlap) * minFill;
  const budget = () =>
    Math.min(
      maxBudget,
      budgetOf(Math.max(tokensPerChunk, Math.ceil(estimateTokens(text) / fullChunks) + markerTokens)),
    );
  const chunks: string[] = [];
  for (const section of sections) {
    if (chunkEnd(section, 0, maxBudget) >= section.length) chunks.push(section);
    else chunks.push(...splitSection(section, budget(), maxChunks - chunks.length));
  }
  return chunks.slice(0, maxChunks);
}

/**
 * Splits a text into its sections, without white space around them. Returns the text itself if it has fewer than two sections, or
 * too many.
 */
function sectionsOf(text: string): string[] {
  const sections = text.split(sectionBreak).map((section) => section.trim());
  const filled = sections.filter((section) => section !== '');
  return filled.length < 2 || filled.length > maxSections ? [text] : filled;
}

function splitSection(text: string, budget: number, maxCount: number): string[] {
  const chunks: string[] = [];
  let start = 0;
  while (chunks.length < maxCount) {
    const end = chunkEnd(text, start, budget);
    chunks.push(text.slice(start, end));
    if (end >= text.length) break;
    start = nextStart(text, start, end, budget * overlap);
  }
  return chunks;
}

/** Returns the beginning of a text, cut to `maxTokens`. */
export function firstChunk(text: string, maxTokens: number): string {
  return text.slice(0, chunkEnd(text, 0, budgetOf(maxTokens)));
}

/**
 * Estimates the number of tokens in a text, rather too high: WordPiece and byte-pair tokenizers mostly make fewer. Returns 0 for an
 * empty text.
 */
export function estimateTokens(text: string): number {
  let cost = 0;
  for (let i = 0; i < text.length; i += characterWidth(text, i)) cost += costAt(text, i);
  return Math.ceil(cost / tokenCost);
}

function budgetOf(maxTokens: number): number {
  return Math.max(tokenCost, (maxTokens - markerTokens) * tokenCost);
}

function chunkEnd(text: string, start: number, budget: number): number {
  // Takes at least one character, so that every budget makes progress.
  let end = start + characterWidth(text, start);
  let cost = costAt(text, start);
  while (end < text.length && cost + costAt(text, end) <= budget) {
    cost += costAt(text, end);
    end += characterWidth(text, end);
  }
  if (end >= text.length) return text.length;
  const earliest = end - Math.floor((end - start) * cutRange);
  for (let i = end; i > earliest; i--) if (isSpace(text, i - 1)) return i;
  return end;
}

function nextStart(text: string, start: number, end: number, overlapCost: number): number {
  let next = end;
  let cost = 0;
  while (cost < overlapCost) {
    const before = next - (isLowSurrogate(text, next - 1) ? 2 : 1);
    cost += costAt(text, before);
    // The next chunk must start after the start of this one, even with a tiny budget.
    if (before <= start || cost > overlapCost) break;
    next = before;
  }
  for (let i = next; i < end; i++) if (isSpace(text, i - 1)) return i;
  return next;
}

function costAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  const isAsciiLetter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
  if (isAsciiLetter || code === 32 || (code >= 9 && code <= 13)) return letterCost;
  return code >= 0xac00 && code <= 0xd7a3 ? hangulCost : tokenCost;
}

function characterWidth(text: string, index: number): 1 | 2 {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}

function isLowSurrogate(text: string, index: number): boolean {
  return index > 0 && characterWidth(text, index - 1) === 2;
}

function isSpace(text: string, index: number): boolean {
  return /\s/.test(text.charAt(index));
}
