/** The number of weights for n-grams. A power of two. */
export const buckets = 2 ** 16;

/**
 * The n-grams of a sentence as bucket numbers, with repetitions: 3 to 5 characters, and 1 or 2 words. The start and the end of the sentence
 * count as characters, because a command begins with its verb.
 *
 * @param sentence Normalized by `normalized`
 */
export function ngrams(sentence: string): Uint32Array {
  const padded = `\u0002${sentence}\u0003`;
  const length = padded.length;
  const found = new Uint32Array(length * 5 + 4);
  let count = 0;
  let previous = 0;
  let word = seed;
  let isInWord = false;
  for (let i = 0; i < length; i++) {
    let hash = seed;
    for (let n = 1; n <= 5 && i + n <= length; n++) {
      hash = mixed(hash, padded.charCodeAt(i + n - 1));
      if (n >= 3) found[count++] = bucketOf(hash, n);
    }
    const code = padded.charCodeAt(i);
    if (isWordCode(code)) {
      word = mixed(word, code);
      isInWord = true;
    } else if (isInWord) {
      found[count++] = bucketOf(word, 6);
      found[count++] = bucketOf(mixed(word, previous), 7);
      previous = word;
      word = seed;
      isInWord = false;
    }
  }
  return found.subarray(0, count);
}

/** Folds what does not matter to the meaning of an instruction: case, width, digits, and runs of spaces. */
export function normalized(sentence: string): string {
  return sentence.normalize('NFKC').toLowerCase().replaceAll(/\d+/g, '0').replaceAll(/\s+/g, ' ').trim();
}

const seed = 0x811c9dc5;

// FNV-1a over UTF-16 units. http://www.isthe.com/chongo/tech/comp/fnv/
function mixed(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x01000193) >>> 0;
}

function bucketOf(hash: number, kind: number): number {
  const value = Math.imul(hash ^ (kind * 0x9e3779b1), 0x85ebca6b);
  return (value ^ (value >>> 15)) & (buckets - 1);
}

function isWordCode(code: number): boolean {
  return (code >= 97 && code <= 122) || code === 48 || code === 39 || code > 127;
}
