/** What one request may hold. */
export interface RequestLimits {
  readonly maxInputs: number;
  readonly maxCharacters: number;
}

/** The texts of the next request, from that one on: as many as it may hold, and always one. */
export function nextRequest(
  texts: readonly string[],
  from: number,
  { maxInputs, maxCharacters }: RequestLimits,
): readonly string[] {
  let end = from;
  let characters = 0;
  while (end < texts.length && end - from < maxInputs) {
    characters += texts[end]!.length;
    if (end > from && characters > maxCharacters) break;
    end++;
  }
  return texts.slice(from, end);
}
