import { type Entry, noBytes, payloadBytes } from '../core/entry';

// What an entry takes in memory besides its data.
const overheadBytes = 200;
const dropped: Entry = { kind: 'normal', index: 0, term: 0, data: noBytes };
// The array gives up its front in steps, because each step copies the rest.
const minDropped = 1024;

/** The newest entries of a log, as many as fit. */
export class EntryCache {
  readonly #maxBytes: number;
  #entries: Entry[] = [];
  /** Where the first entry is in the array. */
  #head = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The index of the first entry. Undefined if there is none. */
  get firstIndex(): number | undefined {
    return this.#entries[this.#head]?.index;
  }

  /** Adds an entry in place of all from its index on. */
  put(entry: Entry): void {
    this.dropFrom(entry.index);
    const last = this.#entries.at(-1);
    if (last !== undefined && last.index + 1 !== entry.index) this.clear();
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
    while (this.#bytes > this.#maxBytes) this.#dropFirst();
  }

  /** The entries with `low <= index < high`, which must all be here. */
  slice(low: number, high: number): readonly Entry[] {
    const first = this.firstIndex;
    if (first === undefined) return [];
    return this.#entries.slice(this.#head + low - first, this.#head + high - first);
  }

  dropFrom(index: number): void {
    while (this.#entries.length > this.#head) {
      const last = this.#entries.at(-1) as Entry;
      if (last.index < index) return;
      this.#entries.pop();
      this.#bytes -= sizeOf(last);
    }
    this.clear();
  }

  dropUpTo(index: number): void {
    for (let first = this.firstIndex; first !== undefined && first <= index; first = this.firstIndex) this.#dropFirst();
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #dropFirst(): void {
    const first = this.#entries[this.#head];
    if (first === undefined) return;
    this.#bytes -= sizeOf(first);
    this.#entries[this.#head] = dropped;
    this.#head++;
    if (this.#head === this.#entries.length) this.clear();
    else if (this.#head >= minDropped && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}

function sizeOf(entry: Entry): number {
  return payloadBytes(entry) + overheadBytes;
}
