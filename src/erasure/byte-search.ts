const blockBytes = 4;
const hashBits = 18;
/** A window of more bytes would not let the search skip further, because patterns share their ends. */
const maxWindow = 16;

/**
 * Finds many byte strings at once (Wu and Manber, 'A fast algorithm for multi-pattern searching', 1994). It looks at the end of a window of
 * bytes, and skips as many as no pattern can begin in.
 */
export class ByteSearch {
  /** The number of bytes of the longest pattern. */
  readonly longest: number;
  readonly #patterns: readonly Uint8Array[];
  readonly #window: number;
  readonly #skips: Uint8Array;
  /** For each hash of the end of a window, the first pattern with it, plus 1. Then the next pattern for each pattern. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;

  /** @param patterns Each of at least 4 bytes. */
  constructor(patterns: readonly Uint8Array[]) {
    const lengths = patterns.map(({ length }) => length);
    if (lengths.some((length) => length < blockBytes))
      throw new RangeError(`A pattern has at least ${blockBytes} bytes.`);
    this.#patterns = patterns;
    this.longest = lengths.reduce((most, length) => Math.max(most, length), 0);
    this.#window = lengths.reduce((least, length) => Math.min(least, length), maxWindow);
    this.#skips = new Uint8Array(2 ** hashBits).fill(this.#window - blockBytes + 1);
    this.#first = new Int32Array(2 ** hashBits);
    this.#next = new Int32Array(patterns.length);
    for (const [i, pattern] of patterns.entries()) this.#add(pattern, i);
  }

  /** Calls `onFound` with the number of the pattern and its offset, for each place where a pattern is. */
  search(data: Uint8Array, onFound: (pattern: number, offset: number) => void): void {
    if (this.#patterns.length === 0) return;
    const skips = this.#skips;
    for (let end = this.#window - 1; end < data.length; ) {
      const hash = hashAt(data, end);
      const skip = skips[hash] as number;
      if (skip > 0) end += skip;
      else this.#compare(data, end++, hash, onFound);
    }
  }

  #add(pattern: Uint8Array, i: number): void {
    const last = this.#window - 1;
    for (let end = blockBytes - 1; end <= last; end++) {
      const hash = hashAt(pattern, end);
      this.#skips[hash] = Math.min(this.#skips[hash] as number, last - end);
    }
    const hash = hashAt(pattern, last);
    this.#next[i] = this.#first[hash] as number;
    this.#first[hash] = i + 1;
  }

  #compare(data: Uint8Array, end: number, hash: number, onFound: (pattern: number, offset: number) => void): void {
    const start = end - this.#window + 1;
    for (let next = this.#first[hash] as number; next > 0; next = this.#next[next - 1] as number) {
      const pattern = this.#patterns[next - 1] as Uint8Array;
      if (isAt(pattern, data, start)) onFound(next - 1, start);
    }
  }
}

function hashAt(data: Uint8Array, end: number): number {
  const block =
    ((data[end - 3] as number) << 24) |
    ((data[end - 2] as number) << 16) |
    ((data[end - 1] as number) << 8) |
    (data[end] as number);
  return Math.imul(block, 0x9e3779b1) >>> (32 - hashBits);
}

function isAt(pattern: Uint8Array, data: Uint8Array, start: number): boolean {
  for (let i = 0; i < pattern.length; i++) if (pattern[i] !== data[start + i]) return false;
  return true;
}
