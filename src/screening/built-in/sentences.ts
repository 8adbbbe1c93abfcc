/** A longer sentence is cut: a linear model over n-grams loses a short instruction in much other text. */
const maxLength = 280;
const minLength = 4;

/**
 * The sentences of a text, and short neighbours joined, so that an instruction split over two of them is seen as one. Lines and the usual
 * marks end a sentence.
 */
export function sentencesOf(text: string): string[] {
  const parts = text.split(/(?<=[.!?])\s+|(?<=[。！？；])|[\n\r\u2028]+/).map((part) => part.trim());
  const sentences = parts.filter((part) => part.length >= minLength).flatMap(cut);
  const joined = sentences.flatMap((sentence, i) => {
    const next = sentences[i + 1];
    return next !== undefined && sentence.length + next.length <= maxJoined ? [`${sentence} ${next}`] : [];
  });
  return [...sentences, ...joined];
}

/** Only short sentences are joined: an ordinary one says something by itself. */
const maxJoined = 60;

function cut(sentence: string): string[] {
  if (sentence.length <= maxLength) return [sentence];
  const pieces: string[] = [];
  for (let start = 0; start < sentence.length; ) {
    const rest = sentence.slice(start, start + maxLength);
    const space = start + maxLength < sentence.length ? rest.lastIndexOf(' ') : -1;
    const end = space > maxLength / 2 ? space : rest.length;
    pieces.push(rest.slice(0, end));
    start += end;
  }
  return pieces;
}
