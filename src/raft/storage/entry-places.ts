/** The places of the entries of a log: 16 bytes an entry, so that the log can hold millions. */
export class EntryPlaces {
  #terms = new Float64Array(1024);
  #positions = new Float64Array(1024);
  /** Where the first entry is in the arrays. */
  #head = 0;
  #count = 0;
  #firstIndex: number;

  constructor(firstIndex: number) {
    this.#firstIndex = firstIndex;
  }

  get firstIndex(): number {
    return this.#firstIndex;
  }

  get lastIndex(): number {
    return this.#firstIndex + this.#count - 1;
  }

  has(index: number): boolean {
    return index >= this.#firstIndex && index <= this.lastIndex;
  }

  /** The term of an entry. Undefined if there is no such entry. */
  term(index: number): number | undefined {
    return this.has(index) ? this.#terms[this.#head + index - this.#firstIndex] : undefined;
  }

  /** The position of an entry's record. Undefined if there is no such entry. */
  position(index: number): number | undefined {
    return this.has(index) ? this.#positions[this.#head + index - this.#firstIndex] : undefined;
  }

  /** Adds an entry in place of all entries from its index on. The index must be at most the last one plus 1. */
  put(index: number, term: number, position: number): void {
    this.#count = index - this.#firstIndex;
    if (this.#head + this.#count === this.#terms.length) this.#makeRoom();
    this.#terms[this.#head + this.#count] = term;
    this.#positions[this.#head + this.#count] = position;
    this.#count++;
  }

  /** Drops the entries up to an index. */
  dropUpTo(index: number): void {
    const dropped = Math.min(index + 1 - this.#firstIndex, this.#count);
    if (dropped <= 0) return;
    this.#head += dropped;
    this.#count -= dropped;
    this.#firstIndex += dropped;
  }

  /** Drops everything, and begins anew. */
  clear(firstIndex: number): void {
    this.#head = 0;
    this.#count = 0;
    this.#firstIndex = firstIndex;
  }

  #makeRoom(): void {
    // Half of the array is free at the front: moving it there costs less than growing.
    const isSparse = this.#head > this.#terms.length / 2;
    const size = isSparse ? this.#terms.length : this.#terms.length * 2;
    this.#terms = moved(this.#terms, this.#head, this.#count, size);
    this.#positions = moved(this.#positions, this.#head, this.#count, size);
    this.#head = 0;
  }
}

function moved(from: Float64Array, head: number, count: number, size: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(size);
  to.set(from.subarray(head, head + count));
  return to;
}
