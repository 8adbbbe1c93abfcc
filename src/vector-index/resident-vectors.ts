import { type AimedQuery, ByteVectors, slotsPerScan } from './kernel/byte-vectors';

// Of a row: 0 where nothing is known of it, -1 where it has no vector, else its first slot plus one.
const unknown = 0;
const without = -1;
const end = -1;
// What a slot takes beside its bytes: the next slot of the row, and its place in a list of free slots.
const bookkeepingBytes = 8;

type Offer = (row: number, estimate: number) => void;

/** The vectors of rows as bytes in memory, within a bound. A row's parts are a chain of slots. */
export class ResidentVectors {
  readonly #vectors: ByteVectors;
  readonly #capacity: number;
  #first = new Int32Array(1024);
  #next = new Int32Array(1024);
  readonly #free: number[] = [];
  #used = 0;
  readonly #slots = new Uint32Array(slotsPerScan);
  readonly #rowOf = new Uint32Array(slotsPerScan);

  constructor(dimensions: number, memoryBytes: number) {
    this.#vectors = new ByteVectors(dimensions, memoryBytes);
    const { stride, capacity } = this.#vectors;
    this.#capacity = Math.min(capacity, Math.floor(memoryBytes / (stride + bookkeepingBytes)));
  }

  /** Whether it is known which vectors the row has. */
  knows(row: number): boolean {
    return (this.#first[row] ?? unknown) !== unknown;
  }

  /** Keeps a row's vectors, none for a row that has none. False, and nothing kept, where there is no room. */
  keep(row: number, vectors: readonly Float32Array[]): boolean {
    if (vectors.length > this.#capacity - this.#used + this.#free.length) return false;
    this.forget(row);
    let chain = end;
    for (const vector of vectors) {
      const slot = this.#free.pop() ?? this.#used++;
      this.#vectors.write(slot, vector);
      this.#next = withRoom(this.#next, slot);
      this.#next[slot] = chain;
      chain = slot;
    }
    this.#first = withRoom(this.#first, row);
    this.#first[row] = chain === end ? without : chain + 1;
    return true;
  }

  /** Nothing is known of the row any more. */
  forget(row: number): void {
    const first = this.#first[row] ?? unknown;
    if (first === unknown) return;
    if (first !== without) {
      for (let slot = first - 1; slot !== end; slot = this.#next[slot] as number) this.#free.push(slot);
    }
    this.#first[row] = unknown;
  }

  aim(query: Float32Array): AimedQuery {
    return this.#vectors.aim(query);
  }

  /** Offers the best part of each row from `from` to `to` in the list. Rows that are unknown or have no vector are passed over. */
  score(query: AimedQuery, rows: Uint32Array, from: number, to: number, offer: Offer): void {
    const best = new BestPart(offer);
    let count = 0;
    for (let i = from; i < to; i++) {
      const row = rows[i] as number;
      const first = this.#first[row] ?? unknown;
      if (first <= unknown) continue;
      for (let slot = first - 1; slot !== end; slot = this.#next[slot] as number) {
        if (count === slotsPerScan) {
          this.#scan(query, count, best);
          count = 0;
        }
        this.#slots[count] = slot;
        this.#rowOf[count++] = row;
      }
    }
    this.#scan(query, count, best);
    best.finish();
  }

  #scan(query: AimedQuery, count: number, best: BestPart): void {
    const estimates = this.#vectors.scan(query, this.#slots, count);
    for (let i = 0; i < count; i++) best.add(this.#rowOf[i] as number, (estimates[i] as number) * query.scale);
  }
}

/** Makes one offer of the parts of a row, which follow one another but may lie in two scans. */
class BestPart {
  readonly #offer: Offer;
  #row = 0;
  #estimate = 0;

  constructor(offer: Offer) {
    this.#offer = offer;
  }

  add(row: number, estimate: number): void {
    if (row === this.#row) {
      if (estimate > this.#estimate) this.#estimate = estimate;
      return;
    }
    this.finish();
    this.#row = row;
    this.#estimate = estimate;
  }

  finish(): void {
    if (this.#row !== 0) this.#offer(this.#row, this.#estimate);
    this.#row = 0;
  }
}

/** An array of at least `index + 1` numbers that begins with those of `array`. */
function withRoom(array: Int32Array<ArrayBuffer>, index: number): Int32Array<ArrayBuffer> {
  if (index < array.length) return array;
  const larger = new Int32Array(Math.max(index + 1, Math.ceil(array.length * 1.5)));
  larger.set(array);
  return larger;
}
