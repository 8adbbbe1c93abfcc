import { nextTurn, pause } from '../environment/timers';
import { type AimedQuery, ByteVectors, slotsPerScan } from './kernel/byte-vectors';
import { bestChunk } from './kernel/dot';
import type { EstimatingIndex, RowEstimates, VectorCandidate, VectorSource, VisibleRows } from './vector-index';

export interface ExactIndexOptions {
  readonly dimensions: number;
  /**
   * The limit of memory for vectors. A vector takes `dimensions` bytes and about 30 more. Vectors beyond the limit are read again
   * for every search.
   */
  readonly memoryBytes: number;
  readonly source: VectorSource;
}

// The work of one turn of the event loop. Scanning this many rows takes about 3 ms, reading this many about 2 ms.
const scannedPerTurn = 32_768;
const readPerTurn = 256;
const msBetweenReads = 5;

/**
 * Compares the query with every visible vector. Vectors are kept in memory, up to a limit, as one byte for each component. The
 * estimate of a vector in memory therefore differs from the exact cosine only by rounding. The index reads a vector when a search
 * first needs it, or when `warm` reads it in advance.
 */
export class ExactIndex implements EstimatingIndex {
  readonly dimensions: number;
  readonly #source: VectorSource;
  readonly #resident: ResidentVectors;
  readonly #closing = new AbortController();

  constructor({ dimensions, memoryBytes, source }: ExactIndexOptions) {
    this.dimensions = dimensions;
    this.#source = source;
    this.#resident = new ResidentVectors(dimensions, memoryBytes);
  }

  async refresh(rows: ArrayLike<number>): Promise<void> {
    for (let i = 0; i < rows.length; i++) this.#resident.forget(rows[i] as number);
  }

  async search(query: Float32Array, visible: VisibleRows, limit: number): Promise<VectorCandidate[]> {
    const rows = visible.rows();
    const best = new BestRows(Math.min(limit, rows.length));
    await this.#scan(query, rows, (place, estimate) => best.offer(rows[place] as number, estimate));
    return best.candidates();
  }

  async estimates(query: Float32Array, rows: Uint32Array): Promise<RowEstimates> {
    const errors = new Float64Array(rows.length);
    const estimates = new Float64Array(rows.length).fill(Number.NEGATIVE_INFINITY);
    await this.#scan(query, rows, (place, estimate, error) => {
      estimates[place] = estimate;
      errors[place] = error;
    });
    return { estimates, errors };
  }

  async #scan(query: Float32Array, rows: Uint32Array, offer: Offer): Promise<void> {
    const aimed = this.#resident.aim(query);
    for (let from = 0; from < rows.length; ) {
      if (from > 0) await nextTurn();
      // A refresh may drop a row after it was read here, but only in another turn of the event loop. The row is scored in this turn.
      const to = this.#read(rows, from, (place, vectors) => offer(place, bestChunk(query, vectors), 0));
      this.#resident.score(aimed, rows, from, to, offer);
      from = to;
    }
  }

  /**
   * Reads these rows into memory in advance, until all are in memory, the memory is full, or the index is closed. 'with pauses'
   * waits between small steps and does not keep the process alive. 'at once' only yields to the event loop.
   */
  async warm(rows: ArrayLike<number>, pace: 'with pauses' | 'at once'): Promise<void> {
    let full = false;
    for (let from = 0; from < rows.length && !full && !this.#closing.signal.aborted; ) {
      from = this.#read(rows, from, () => {
        full = true;
      });
      await (pace === 'at once' ? nextTurn() : pause(msBetweenReads, this.#closing.signal));
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  /**
   * Reads rows that are not in memory, beginning at `from` and at most the work of one turn. Returns the position where the next
   * turn begins. Passes to `beyond` the place in the list of each row that does not fit into memory.
   */
  #read(
    rows: ArrayLike<number>,
    from: number,
    beyond: (place: number, vectors: readonly Float32Array[]) => void,
  ): number {
    const missing = new Map<number, { readonly place: number; readonly vectors: Float32Array[] }>();
    const end = Math.min(from + scannedPerTurn, rows.length);
    let to = from;
    for (; to < end && missing.size < readPerTurn; to++) {
      const row = rows[to] as number;
      if (!this.#resident.knows(row)) missing.set(row, { place: to, vectors: [] });
    }
    if (missing.size === 0) return to;
    for (const { row, vector } of this.#source.read([...missing.keys()])) missing.get(row)?.vectors.push(vector);
    for (const [row, { place, vectors }] of missing) {
      if (!this.#resident.keep(row, vectors)) beyond(place, vectors);
    }
    return to;
  }
}

// Each vector in memory has a numbered slot, and the slots of a row are linked. For each row, `#first` contains its first slot plus
// 1, or one of the first two constants below. For each slot, `#next` contains the next slot of the same row, or `endOfChain`.
const unknown = 0;
const withoutVector = -1;
const endOfChain = -1;
// What a slot takes in addition to its vector: the next slot of the row, the residual, and an entry in the list of free slots.
const bookkeepingBytes = 12;

/** Takes the estimate of a row, which is named by its place in the list of rows. */
type Offer = (place: number, estimate: number, error: number) => void;

/** Keeps the vectors of rows in RAM, with one signed byte for each dimension, up to a limit. The chunks of a row are a linked list of slots. */
class ResidentVectors {
  readonly #vectors: ByteVectors;
  readonly #capacity: number;
  #first = new Int32Array(1024);
  #next = new Int32Array(1024);
  /** For each slot, the length of what rounding changed in its vector. */
  #residuals = new Float32Array(1024);
  readonly #free: number[] = [];
  #used = 0;
  readonly #slots = new Uint32Array(slotsPerScan);
  readonly #placeOf = new Uint32Array(slotsPerScan);

  constructor(dimensions: number, memoryBytes: number) {
    this.#vectors = new ByteVectors(dimensions, memoryBytes);
    const { stride, capacity } = this.#vectors;
    this.#capacity = Math.min(capacity, Math.floor(memoryBytes / (stride + bookkeepingBytes)));
  }

  /** Returns whether the row was read. A row without vectors counts as read. */
  knows(row: number): boolean {
    return (this.#first[row] ?? unknown) !== unknown;
  }

  /** Keeps the vectors of a row, even if it has none. Returns false and keeps nothing if there is no room. */
  keep(row: number, vectors: readonly Float32Array[]): boolean {
    if (vectors.length > this.#capacity - this.#used + this.#free.length) return false;
    this.forget(row);
    let chain = endOfChain;
    for (const vector of vectors) {
      const slot = this.#free.pop() ?? this.#used++;
      this.#residuals = withRoom(this.#residuals, slot);
      this.#residuals[slot] = this.#vectors.write(slot, vector);
      this.#next = withRoom(this.#next, slot);
      this.#next[slot] = chain;
      chain = slot;
    }
    this.#first = withRoom(this.#first, row);
    this.#first[row] = chain === endOfChain ? withoutVector : chain + 1;
    return true;
  }

  /** Drops the row, so that the next search reads it again. */
  forget(row: number): void {
    const first = this.#first[row] ?? unknown;
    if (first === unknown) return;
    if (first !== withoutVector) {
      for (let slot = first - 1; slot !== endOfChain; slot = this.#next[slot] as number) this.#free.push(slot);
    }
    this.#first[row] = unknown;
  }

  aim(query: Float32Array): AimedQuery {
    return this.#vectors.aim(query);
  }

  /**
   * Offers each row of the list from position `from` to `to`, with the estimate of its best chunk. Skips rows that were not read or
   * have no vector.
   */
  score(query: AimedQuery, rows: Uint32Array, from: number, to: number, offer: Offer): void {
    const best = new BestChunk(offer);
    let count = 0;
    for (let i = from; i < to; i++) {
      const row = rows[i] as number;
      const first = this.#first[row] ?? unknown;
      if (first <= unknown) continue;
      for (let slot = first - 1; slot !== endOfChain; slot = this.#next[slot] as number) {
        if (count === slotsPerScan) {
          this.#scan(query, count, best);
          count = 0;
        }
        this.#slots[count] = slot;
        this.#placeOf[count++] = i;
      }
    }
    this.#scan(query, count, best);
    best.finish();
  }

  #scan(query: AimedQuery, count: number, best: BestChunk): void {
    const estimates = this.#vectors.scan(query, this.#slots, count);
    for (let i = 0; i < count; i++) {
      const residual = this.#residuals[this.#slots[i] as number] as number;
      best.add(this.#placeOf[i] as number, (estimates[i] as number) * query.scale, errorBound(query, residual));
    }
  }
}

// The kernel adds and scales in float32.
const kernelError = 1e-5;

/**
 * The most that an estimate differs from the dot product. By the Cauchy-Schwarz inequality, with q and v rounded to q' and v':
 * |qv - q'v'| = |q(v - v') + (q - q')v'| <= |q| |v - v'| + |q - q'| |v'|, and |v'| <= 1 + |v - v'| for a vector of length 1.
 */
function errorBound({ length, residual }: AimedQuery, ofVector: number): number {
  return length * ofVector + residual * (1 + ofVector) + kernelError;
}

/** Turns the estimates of chunks into one offer for each row. The chunks of a row are added one after another, perhaps in two scans. */
class BestChunk {
  readonly #offer: Offer;
  #place = none;
  #estimate = 0;
  #error = 0;

  constructor(offer: Offer) {
    this.#offer = offer;
  }

  add(place: number, estimate: number, error: number): void {
    if (place === this.#place) {
      if (estimate > this.#estimate) this.#estimate = estimate;
      if (error > this.#error) this.#error = error;
      return;
    }
    this.finish();
    this.#place = place;
    this.#estimate = estimate;
    this.#error = error;
  }

  finish(): void {
    if (this.#place !== none) this.#offer(this.#place, this.#estimate, this.#error);
    this.#place = none;
  }
}

const none = -1;

/** Keeps the best `limit` rows of those offered, in a heap. The root of the heap is the worst row that is kept. */
export class BestRows {
  readonly #limit: number;
  readonly #rows: Uint32Array;
  readonly #estimates: Float64Array;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#rows = new Uint32Array(limit);
    this.#estimates = new Float64Array(limit);
  }

  /** Offers a row. Each row must be offered only once. If two estimates are equal, the lower row is better. */
  offer(row: number, estimate: number): void {
    if (this.#size < this.#limit) {
      this.#rise(this.#size++, row, estimate);
    } else if (this.#limit > 0 && estimate >= (this.#estimates[0] as number) && this.#isWorse(0, row, estimate)) {
      this.#sink(row, estimate);
    }
  }

  /** Returns the kept rows, best first. */
  candidates(): VectorCandidate[] {
    return Array.from({ length: this.#size }, (_, i) => ({
      row: this.#rows[i] as number,
      estimate: this.#estimates[i] as number,
    })).sort(byEstimate);
  }

  #isWorse(at: number, row: number, estimate: number): boolean {
    const kept = this.#estimates[at] as number;
    return kept < estimate || (kept === estimate && (this.#rows[at] as number) > row);
  }

  #rise(from: number, row: number, estimate: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // A parent must be worse than its children, so a parent that is better moves down.
      if (this.#isWorse(parent, row, estimate)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, row, estimate);
  }

  #sink(row: number, estimate: number): void {
    let at = 0;
    for (let child = 1; child < this.#size; child = 2 * at + 1) {
      const sibling = child + 1;
      if (
        sibling < this.#size &&
        this.#isWorse(sibling, this.#rows[child] as number, this.#estimates[child] as number)
      ) {
        child = sibling;
      }
      if (!this.#isWorse(child, row, estimate)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, row, estimate);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#rows[from] as number, this.#estimates[from] as number);
  }

  #put(at: number, row: number, estimate: number): void {
    this.#rows[at] = row;
    this.#estimates[at] = estimate;
  }
}

/** Compares two candidates: by descending estimate, then by ascending row. */
export function byEstimate(a: VectorCandidate, b: VectorCandidate): number {
  return b.estimate - a.estimate || a.row - b.row;
}

/** An array that begins with the numbers of `array` and has room for one at `index`. */
function withRoom<T extends Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(array: T, index: number): T {
  if (index < array.length) return array;
  const make = array.constructor as new (length: number) => T;
  const larger = new make(Math.max(index + 1, Math.ceil(array.length * 1.5)));
  larger.set(array);
  return larger;
}
