/**
 * Longer sentences are cut at clauses, in UTF-16 units. A summary takes a sentence whole, and a short one leaves room for others: measured
 * on chats, the answers to a tenth more questions are kept with 120 than with 200.
 */
const maxSentenceLength = 120;
/** Clauses are cut only if they are longer. */
const maxClauseLength = 240;

/** The segmenter reads so many UTF-16 units at a time: its work for each sentence grows with the length of its whole input. */
const windowLength = 2_048;

// The locale is fixed, so that the same text gives the same sentences on every machine.
const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

const lineBreak = /[\r\n\u2028\u2029]+/;
// Where a sentence may end. A line without such a character is one sentence, which is found faster without the segmenter.
const sentenceEnd = /[.!?…。！？｡।॥؟۔።။၊។]/;
/** The end of a clause: punctuation with its space, or the full-width punctuation of Chinese and Japanese, which has none. */
const clauseEnd = /[,;:)\u2013\u2014]\s+|\s+(?=[(\u2013\u2014])|[，、；：]/g;
const space = /\s+/g;

/**
 * Splits a text into its sentences, in order. Each line has its own sentences, because lists, tables and code have no full stops.
 * A sentence longer than 120 characters is cut at clauses, a clause longer than 240 at spaces, or else between characters.
 */
export function* sentencesOf(text: string): Generator<string> {
  for (const line of text.split(lineBreak)) {
    for (const sentence of sentencesOfLine(line)) {
      const trimmed = sentence.trim();
      if (trimmed.length > maxSentenceLength) yield* piecesOf(trimmed);
      else if (trimmed !== '') yield trimmed;
    }
  }
}

function* sentencesOfLine(line: string): Generator<string> {
  if (!sentenceEnd.test(line)) {
    yield line;
    return;
  }
  for (let start = 0; start < line.length; ) {
    const window = wholeCharacters(line.slice(start, start + windowLength));
    const isLast = start + window.length >= line.length;
    const segments = Array.from(segmenter.segment(window), ({ segment }) => segment);
    // The last sentence may go on after the window, so the next window begins with it.
    const carried = isLast || segments.length === 1 ? '' : segments.pop()!;
    yield* segments;
    start += window.length - carried.length;
  }
}

function* piecesOf(sentence: string): Generator<string> {
  let rest = sentence;
  while (rest.length > maxSentenceLength) {
    const end = cutOf(rest);
    yield rest.slice(0, end).trim();
    rest = rest.slice(end).trim();
  }
  if (rest !== '') yield rest;
}

/** Returns where to cut a long sentence: after the last clause that fits, at the last space, or where it becomes too long. */
function cutOf(sentence: string): number {
  const tries = [
    [clauseEnd, maxSentenceLength],
    [clauseEnd, maxClauseLength],
    [space, maxClauseLength],
  ] as const;
  for (const [pattern, length] of tries) {
    const ends = [...sentence.slice(0, length).matchAll(pattern)].map((match) => match.index + match[0].length);
    // A piece of a few words says little.
    const last = ends.findLast((end) => end > length / 2);
    if (last !== undefined) return last;
  }
  return wholeCharacters(sentence.slice(0, maxClauseLength)).length;
}

/** Leaves out the first half of a surrogate pair at the end. */
function wholeCharacters(text: string): string {
  return text.length > 1 && /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}
