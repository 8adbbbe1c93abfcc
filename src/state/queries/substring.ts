// Up to this length, the search of the engine is fast for every text. Beyond, some texts make it take time for each pair of characters.
const maxShortPattern = 16;

/**
 * Makes a test for texts that contain a pattern, with the same case. A test takes a time that only depends on the sum of both lengths
 * (Knuth, Morris, Pratt 1977, doi:10.1137/0206024).
 */
export function substringTest(pattern: string): (text: string) => boolean {
  if (pattern.length <= maxShortPattern) return (text) => text.includes(pattern);
  // Reading the pattern from an array is twice as fast as reading it from the string.
  const units = new Uint16Array(pattern.length);
  for (let i = 0; i < units.length; i++) units[i] = pattern.charCodeAt(i);
  const fallback = fallbackTable(units);
  return (text) => {
    for (let i = 0, matched = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      while (matched > 0 && unit !== units[matched]) matched = fallback[matched - 1] as number;
      if (unit === units[matched]) matched++;
      if (matched === units.length) return true;
    }
    return false;
  };
}

/** For each start of the pattern, the length of the longest shorter start that it also ends with. */
function fallbackTable(units: Uint16Array): Uint32Array {
  const fallback = new Uint32Array(units.length);
  for (let i = 1, matched = 0; i < units.length; i++) {
    while (matched > 0 && units[i] !== units[matched]) matched = fallback[matched - 1] as number;
    if (units[i] === units[matched]) matched++;
    fallback[i] = matched;
  }
  return fallback;
}
