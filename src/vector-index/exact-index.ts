import { nextTurn, pause } from '../environment/timers';
import { type AimedQuery, ByteVectors, type Certainty, kernelError } from './kernel/byte-vectors';
import { bestChunk } from './kernel/dot';
import { SignVectors, signBytes, slotsPerPart } from './kernel/sign-vectors';
import { type Needs, slotsPerScan } from './kernel/slot-memory';
import type {
  LoadedVectors,
  ScanningIndex,
  ScanTarget,
  VectorCandidate,
  VectorSource,
  VisibleRows,
} from './vector-index';

export interface ExactIndexOptions {
  readonly dimensions: number;
  /**
   * The limit of memory for vectors. A vector takes `dimensions` bytes, one more bit for each dimension, and about 40 bytes. Vectors beyond
   * the limit are read again for every search.
   */
  readonly memoryBytes: number;
  /**
   * With at most this many rows, `scan` compares the bytes of every vector. With more, only of those whose signs are near enough. Default: no
   * limit.
   */
  readonly exactUpTo?: number;
  readonly source: VectorSource;
}

// The work of one turn of the event loop. Scanning this many rows takes about 3 ms, reading this many about 2 ms.
const scannedPerTurn = 32_768;
const readPerTurn = 256;
const msBetweenReads = 5;
// Signs of all vectors in memory are compared, visible or not. For a smaller share of visible vectors, comparing their bytes takes less time.
const leastShareBySigns = 1 / 16;
// With a quarter of 100,000 vectors visible, a list of their slots takes .4 ms to make. Leaving out those of hidden rows takes .1 ms.
const leastShareOfAllSlots = 1 / 4;
// Rounding may make the cosine of equal vectors a little larger than 1.
const highestCosine = 1.001;
// About so many of the rows whose signs are nearest are compared first. Then the cosine is known that the others must reach.
const probedRows = 64;
// A search reads the vectors of this many changed rows itself, which takes some 30 ms.
const maxUnread = 1_024;

/**
 * Compares the query with every visible vector, in memory. Vectors are kept there up to a limit: as bytes, whose estimates differ from the
 * exact cosine only by rounding, and as signs, which tell fast that a vector is far away. The index reads a vector when a search first
 * needs it, or when `warm` reads it in advance.
 */
export class ExactIndex implements ScanningIndex {
  readonly dimensions: number;
  readonly #source: VectorSource;
  readonly #resident: ResidentVectors;
  readonly #closing = new AbortController();
  readonly #exactUpTo: number;
  /** The rows that changed and were not read since. Not complete while `#hasReadAll` is false and nothing warms. */
  readonly #unread = new Set<number>();
  #hasReadAll = false;
  #isFull = false;
  #warmings = 0;

  constructor({ dimensions, memoryBytes, exactUpTo = Number.POSITIVE_INFINITY, source }: ExactIndexOptions) {
    this.dimensions = dimensions;
    this.#exactUpTo = exactUpTo;
    this.#source = source;
    this.#resident = new ResidentVectors(dimensions, memoryBytes);
  }

  async refresh(rows: ArrayLike<number>): Promise<void> {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      this.#resident.forget(row);
      this.#unread.add(row);
    }
    if (this.#resident.hasMuchRoom) this.#isFull = false;
    if (this.#unread.size <= maxUnread || this.#warmings > 0) return;
    this.#hasReadAll = false;
    this.#unread.clear();
  }

  async search(query: Float32Array, visible: VisibleRows, limit: number): Promise<VectorCandidate[]> {
    const rows = visible.rows();
    const best = new BestRows(Math.min(limit, rows.length));
    await this.#scan(query, rows, (place, estimate) => best.offer(rows[place] as number, estimate));
    return best.candidates();
  }

  /** The number of bytes of RAM that the vectors take. */
  get bytes(): number {
    return this.#resident.bytes;
  }

  /** Whether all vectors of the store are in memory, except a few that changed since. */
  get hasReadAll(): boolean {
    return this.#hasReadAll;
  }

  /** Whether vectors of the store are missing in memory that would fit. */
  get canReadMore(): boolean {
    return !this.#hasReadAll && !this.#isFull && this.#warmings === 0;
  }

  async load(query: Float32Array, rows: Uint32Array, attempt = 1): Promise<LoadedVectors> {
    const compare = rows.length <= this.#exactUpTo ? 'bytes' : 'signs';
    const beyond = new Map<number, number>();
    // While many rows change all the time, a scan must read more of them itself, or it would never come to its end.
    const mostChanged = readPerTurn * 2 ** (attempt - 1);
    if (this.#hasReadAll && this.#unread.size <= readPerTurn) return { compare, beyond, mostChanged };
    for (let from = 0; from < rows.length; ) {
      if (from > 0) await nextTurn();
      from = this.#read(rows, from, (place, vectors) => beyond.set(rows[place] as number, bestChunk(query, vectors)));
    }
    return { compare, beyond, mostChanged };
  }

  scan(query: Float32Array, visible: VisibleRows, loaded: LoadedVectors, target: ScanTarget): boolean {
    const { compare, beyond } = loaded;
    if (!this.#readMissing(query, visible, loaded)) return false;
    for (const [row, cosine] of beyond) {
      // Another search may have found room for the row meanwhile.
      if (!this.#resident.knows(row) && visible.has(row) && target.matters(row, cosine)) target.offer(row, cosine, 0);
    }
    if (compare === 'bytes') this.#resident.scoreByBytes(query, visible.rows(), target, 'proven');
    else if (visible.count < this.#resident.slots * leastShareBySigns)
      this.#resident.scoreByBytes(query, visible.rows(), target, 'likely');
    else this.#resident.scoreBySigns(query, visible, target);
    return true;
  }

  /** Reads those of the rows that changed after they were loaded. Returns false if there are too many. */
  #readMissing(query: Float32Array, visible: VisibleRows, { beyond, mostChanged }: LoadedVectors): boolean {
    // This is fast while all vectors are in memory, and then the rows need not be checked one by one.
    const possible = this.#hasReadAll ? [...this.#unread].filter((row) => visible.has(row)) : visible.rows();
    const missing = Array.from(possible).filter((row) => !this.#resident.knows(row) && !beyond.has(row));
    if (missing.length > mostChanged) return false;
    for (let from = 0; from < missing.length; ) {
      from = this.#read(missing, from, (place, vectors) =>
        beyond.set(missing[place] as number, bestChunk(query, vectors)),
      );
    }
    return true;
  }

  async #scan(query: Float32Array, rows: Uint32Array, offer: (place: number, estimate: number) => void): Promise<void> {
    const aimed = this.#resident.aim(query);
    for (let from = 0; from < rows.length; ) {
      if (from > 0) await nextTurn();
      // A refresh may drop a row after it was read here, but only in another turn of the event loop. The row is scored in this turn.
      const to = this.#read(rows, from, (place, vectors) => offer(place, bestChunk(query, vectors)));
      this.#resident.score(aimed, rows, { from, to, goal: everyRow, certainty: 'proven', offer });
      from = to;
    }
  }

  /**
   * Reads these rows into memory in advance, until all are in memory, the memory is full, or the index is closed. 'with pauses'
   * waits between small steps and does not keep the process alive. 'at once' only yields to the event loop.
   */
  async warm(rows: ArrayLike<number>, pace: 'with pauses' | 'at once'): Promise<void> {
    this.#warmings++;
    this.#isFull = false;
    try {
      await this.#warm(rows, pace);
      // The searches read a few changed rows themselves. Waiting for none would not end while there are writes.
      while (this.#unread.size > readPerTurn && !this.#isFull && !this.#closing.signal.aborted) {
        await this.#warm([...this.#unread], 'at once');
      }
      this.#hasReadAll = !this.#isFull && !this.#closing.signal.aborted;
    } finally {
      this.#warmings--;
    }
  }

  async #warm(rows: ArrayLike<number>, pace: 'with pauses' | 'at once'): Promise<void> {
    for (let from = 0; from < rows.length && !this.#isFull && !this.#closing.signal.aborted; ) {
      from = this.#read(rows, from, () => undefined);
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
      if (this.#resident.knows(row)) this.#unread.delete(row);
      else missing.set(row, { place: to, vectors: [] });
    }
    if (missing.size === 0) return to;
    for (const { row, vector } of this.#source.read([...missing.keys()])) missing.get(row)?.vectors.push(vector);
    for (const [row, { place, vectors }] of missing) {
      // Not before, because a row whose vectors cannot be read now must be read by the next search.
      this.#unread.delete(row);
      if (this.#resident.keep(row, vectors)) continue;
      this.#isFull = true;
      this.#hasReadAll = false;
      beyond(place, vectors);
    }
    return to;
  }
}

// Each vector in memory has a numbered slot, and the slots of a row are linked. For each row, `#first` contains its first slot plus
// 1, or one of the first two constants below. For each slot, `#next` contains the next slot of the same row, or `endOfChain`.
const unknown = 0;
const withoutVector = -1;
const endOfChain = -1;
// What a slot takes in addition to its vector: its row, the next slot of the row, and an entry in the list of free slots.
const bookkeepingBytes = 12;

/** Which cosines matter. */
type Goal = Pick<ScanTarget, 'least' | 'boost'>;

// Every row matters to a search that has no score to reach.
const everyRow: Goal = { least: () => Number.NEGATIVE_INFINITY };

/** A part of a list of rows, and who takes its estimates. */
interface RowRange {
  readonly from: number;
  readonly to: number;
  readonly goal: Goal;
  readonly certainty: Certainty;
  /** Takes the estimate of a row, which is named by its place in the list of rows. */
  offer(place: number, estimate: number, error: number): void;
}

/** What signs tell of some rows: the highest cosine that each can have. */
interface SignRows {
  readonly rows: Int32Array | Uint32Array;
  /** The highest of each part of the list. */
  readonly best: Float32Array;
  /** Stores the places of the rows whose value is at least `low` and below `high`, and returns their number. */
  select(low: number, high: number, places: Uint32Array): number;
}

function highestOf(values: Float32Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > highest) highest = value;
  return highest;
}

/** Returns a cosine that about `wanted` of the rows may reach, or fewer if there are few parts. */
function reachedBy(wanted: number, { best }: SignRows): number {
  return best.slice().sort()[best.length - Math.min(wanted, Math.ceil(best.length / 2))] ?? Number.NEGATIVE_INFINITY;
}

/**
 * Keeps the vectors of rows in RAM, up to a limit: one byte and one bit for each dimension. The chunks of a row are a linked list of
 * slots.
 */
class ResidentVectors {
  readonly #vectors: ByteVectors;
  readonly #signs: SignVectors;
  readonly #capacity: number;
  #first = new Int32Array(1024);
  #next = new Int32Array(1024);
  /** For each slot, its row. 0 for a free slot. */
  #rowOf = new Int32Array(1024);
  readonly #free: number[] = [];
  #used = 0;
  readonly #slots = new Uint32Array(slotsPerScan);
  readonly #slotRows = new Uint32Array(slotsPerScan);
  readonly #placeOf = new Uint32Array(slotsPerScan);
  readonly #scores = new Float32Array(slotsPerScan);
  /** The places that a scan has selected, and what signs tell of listed rows. They are used again, because making them takes time. */
  #selected = new Uint32Array(0);
  #ofListed = new Float32Array(0);
  /** The number of rows with several chunks. */
  #rowsInChunks = 0;

  constructor(dimensions: number, memoryBytes: number) {
    this.#vectors = new ByteVectors(dimensions, memoryBytes);
    this.#signs = new SignVectors(dimensions, memoryBytes);
    const { stride, capacity } = this.#vectors;
    const bytesPerSlot = stride + signBytes(dimensions) + bookkeepingBytes;
    this.#capacity = Math.min(capacity, this.#signs.capacity, Math.floor(memoryBytes / bytesPerSlot));
  }

  /** The number of bytes of all arrays. */
  get bytes(): number {
    const lists = [this.#slots, this.#slotRows, this.#placeOf, this.#selected, this.#ofListed];
    const bytes = [this.#first, this.#next, this.#rowOf, ...lists].reduce((sum, { byteLength }) => sum + byteLength, 0);
    return bytes + this.#vectors.bytes + this.#signs.bytes + 8 * this.#free.length;
  }

  /** The number of slots that were ever used. */
  get slots(): number {
    return this.#used;
  }

  /** Whether so much memory is free that it is worth while to read rows that did not fit. */
  get hasMuchRoom(): boolean {
    const room = this.#capacity - this.#used + this.#free.length;
    return room > 0 && room >= Math.min(maxUnread, this.#capacity / 4);
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
      this.#vectors.write(slot, vector);
      this.#signs.write(slot, vector);
      this.#next = withRoom(this.#next, slot);
      this.#next[slot] = chain;
      this.#rowOf = withRoom(this.#rowOf, slot);
      this.#rowOf[slot] = row;
      chain = slot;
    }
    this.#first = withRoom(this.#first, row);
    this.#first[row] = chain === endOfChain ? withoutVector : chain + 1;
    if (vectors.length > 1) this.#rowsInChunks++;
    return true;
  }

  /** Drops the row, so that the next search reads it again. */
  forget(row: number): void {
    const first = this.#first[row] ?? unknown;
    if (first === unknown) return;
    if (first !== withoutVector) {
      if (this.#next[first - 1] !== endOfChain) this.#rowsInChunks--;
      for (let slot = first - 1; slot !== endOfChain; slot = this.#next[slot] as number) {
        this.#free.push(slot);
        this.#rowOf[slot] = 0;
      }
    }
    this.#first[row] = unknown;
  }

  aim(query: Float32Array): AimedQuery {
    return this.#vectors.aim(query);
  }

  /** Offers the rows that matter, with the estimate of the best chunk. */
  scoreByBytes(query: Float32Array, rows: Uint32Array, target: ScanTarget, certainty: Certainty): void {
    this.#scoreAimed(this.aim(query), rows, target, certainty);
  }

  #scoreAimed(query: AimedQuery, rows: Uint32Array, target: ScanTarget, certainty: Certainty): void {
    const offer = (place: number, estimate: number, error: number) =>
      target.offer(rows[place] as number, estimate, error);
    // After some rows, it is known which cosine the others must reach. The more rows, the better.
    for (let from = 0, count = probedRows; from < rows.length; from += count, count *= 4) {
      this.score(query, rows, { from, to: Math.min(from + count, rows.length), goal: target, certainty, offer });
    }
  }

  /** Offers the rows in a part of the list that matter. Skips rows that were not read or have no vector. */
  score(query: AimedQuery, rows: Uint32Array, { from, to, goal, certainty, offer }: RowRange): void {
    const best = new BestChunk(offer);
    this.#scanSlots(rows, from, to, (count) => {
      const needs = this.#needsOf(goal, this.#slotRows, count);
      const found = this.#vectors.scan(query, this.#slots, count, needs, certainty);
      for (let i = 0; i < found.count; i++) {
        const place = this.#placeOf[found.places[i] as number] as number;
        best.add(place, found.estimates[i] as number, found.errors[i] as number);
      }
    });
    best.finish();
  }

  /**
   * Fills `#slots`, `#slotRows` and `#placeOf` with the slots of a part of the list, and calls `scan` each time they are full, and at the
   * end. Skips rows that were not read or have no vector.
   */
  #scanSlots(rows: Uint32Array, from: number, to: number, scan: (count: number) => void): void {
    const [slots, slotRows, placeOf, firsts, next] = [
      this.#slots,
      this.#slotRows,
      this.#placeOf,
      this.#first,
      this.#next,
    ];
    let count = 0;
    for (let i = from; i < to; i++) {
      const row = rows[i] as number;
      const first = firsts[row] ?? unknown;
      if (first <= unknown) continue;
      for (let slot = first - 1; slot !== endOfChain; slot = next[slot] as number) {
        if (count === slotsPerScan) {
          scan(count);
          count = 0;
        }
        slots[count] = slot;
        slotRows[count] = row;
        placeOf[count++] = i;
      }
    }
    scan(count);
  }

  /** Returns what is needed of vectors. Their rows are the first `count` in a list. */
  #needsOf({ least, boost }: Goal, rows: Uint32Array, count: number): Needs {
    if (boost === undefined) return { least: least() - kernelError, boost };
    const { scores: scoreOf, weight, half } = boost;
    const scores = this.#scores;
    for (let i = 0; i < count; i++) scores[i] = scoreOf[rows[i] as number] as number;
    // The scores are rounded to 32 bits, too. This changes what is needed by less than the error of the kernel.
    return { least: least() - 2 * kernelError, boost: { scores, weight, half } };
  }

  /**
   * Offers the rows that matter, with the estimate of the best chunk. First it compares the signs of all vectors in memory, and the bytes of the
   * nearest, so that it is known which cosine the others must reach. Then it compares the bytes of those that can be near enough.
   */
  scoreBySigns(query: Float32Array, visible: VisibleRows, target: ScanTarget): void {
    const aimed = this.aim(query);
    const bestOfParts = this.#signs.estimate(this.#signs.aim(query), this.#used);
    // If many vectors in memory are visible, it goes through all slots, because a list of the slots of the visible rows takes longer to make.
    const share = Math.min(1, visible.count / Math.max(1, this.#used));
    const takesAllSlots = share >= leastShareOfAllSlots && 16 * this.#rowsInChunks < this.#used;
    const all: SignRows = takesAllSlots
      ? {
          rows: this.#rowOf,
          best: bestOfParts,
          select: (low, high, slots) => this.#signs.select(this.#used, low, high, slots),
        }
      : this.#listed(visible.rows());
    const inChunks = new Set<number>();
    const near = reachedBy(takesAllSlots ? Math.ceil(probedRows / share) : probedRows, all);
    this.#scoreAimed(aimed, this.#select(all, near, Number.POSITIVE_INFINITY, visible, inChunks), target, 'likely');
    if (target.probed !== undefined) {
      const ofSlots = this.#signs.highest();
      target.probed((row) => (this.knows(row) ? this.#highestOf(row, ofSlots) : Number.POSITIVE_INFINITY));
    }
    // As the kernel rounds it, so that each row is either selected or left to the boosted ones.
    const least = Math.fround(Math.min(near, target.least() - 2 * kernelError));
    // A selected place is a slot then, and no other slot has the row.
    if (takesAllSlots && this.#rowsInChunks === 0) {
      this.#scoreSlots(aimed, this.#select(all, least, near, visible, inChunks, 'places'), target);
    } else this.#scoreAimed(aimed, this.#select(all, least, near, visible, inChunks), target, 'likely');
    this.#scoreAimed(aimed, this.#boosted(target, least, visible, highestOf(bestOfParts)), target, 'likely');
  }

  /** The same as `#scoreAimed` for the slots of rows with one chunk. It saves two look-ups for each of thousands of rows. */
  #scoreSlots(query: AimedQuery, slots: Uint32Array, target: ScanTarget): void {
    const rowOf = this.#rowOf;
    const slotRows = this.#slotRows;
    for (let from = 0, size = probedRows; from < slots.length; from += size, size = Math.min(4 * size, slotsPerScan)) {
      const part = slots.subarray(from, from + size);
      if (target.boost !== undefined)
        for (let i = 0; i < part.length; i++) slotRows[i] = rowOf[part[i] as number] as number;
      const needs = this.#needsOf(target, slotRows, part.length);
      const { count, places, estimates, errors } = this.#vectors.scan(query, part, part.length, needs, 'likely');
      for (let i = 0; i < count; i++) {
        const row = rowOf[part[places[i] as number] as number] as number;
        target.offer(row, estimates[i] as number, errors[i] as number);
      }
    }
  }

  /** What the signs of all vectors in memory tell of these rows. */
  #listed(rows: Uint32Array): SignRows {
    if (this.#ofListed.length < rows.length) this.#ofListed = new Float32Array(Math.ceil(rows.length * 1.25));
    const values = this.#ofListed;
    const ofSlots = this.#signs.highest();
    const best = new Float32Array(Math.ceil(rows.length / slotsPerPart)).fill(Number.NEGATIVE_INFINITY);
    for (let part = 0, from = 0; part < best.length; part++, from += slotsPerPart) {
      const end = Math.min(from + slotsPerPart, rows.length);
      for (let i = from; i < end; i++) {
        values[i] = this.#highestOf(rows[i] as number, ofSlots);
        if ((values[i] as number) > (best[part] as number)) best[part] = values[i] as number;
      }
    }
    const select = (low: number, high: number, places: Uint32Array) => {
      let found = 0;
      for (let i = 0; i < rows.length; i++) {
        const value = values[i] as number;
        places[found] = i;
        if (value >= low && value < high) found++;
      }
      return found;
    };
    return { rows, best, select };
  }

  #highestOf(row: number, ofSlots: Float32Array): number {
    const first = this.#first[row] ?? unknown;
    let most = Number.NEGATIVE_INFINITY;
    if (first <= unknown) return most;
    for (let slot = first - 1; slot !== endOfChain; slot = this.#next[slot] as number) {
      const value = ofSlots[slot] as number;
      if (value > most) most = value;
    }
    return most;
  }

  /**
   * Returns the visible rows that may reach the cosine `low`, but not `high`, or their places in the list. Returns no row with several chunks
   * that is in `inChunks`.
   */
  #select(
    all: SignRows,
    low: number,
    high: number,
    visible: VisibleRows,
    inChunks: Set<number>,
    what: 'rows' | 'places' = 'rows',
  ): Uint32Array {
    const capacity = Math.max(this.#used, all.rows.length);
    if (this.#selected.length < capacity) this.#selected = new Uint32Array(Math.ceil(capacity * 1.25));
    const { rows } = all;
    const selected = this.#selected;
    const count = all.select(low, high, selected);
    let found = 0;
    for (let i = 0; i < count; i++) {
      const place = selected[i] as number;
      const row = rows[place] as number;
      if (row === 0 || !visible.has(row)) continue;
      if (this.#rowsInChunks > 0 && this.#next[(this.#first[row] as number) - 1] !== endOfChain) {
        if (inChunks.has(row)) continue;
        inChunks.add(row);
      }
      selected[found++] = what === 'rows' ? row : place;
    }
    return selected.slice(0, found);
  }

  /**
   * Returns the visible rows that may not reach this cosine, but as much as they need with their scores.
   *
   * @param most The highest cosine that any vector may have
   */
  #boosted(target: ScanTarget, below: number, visible: VisibleRows, most: number): Uint32Array {
    if (target.boost === undefined) return new Uint32Array(0);
    const { rows, scores, weight, half } = target.boost;
    const least = target.least() - 2 * kernelError;
    const found = new Uint32Array(rows.length);
    const [firsts, hasChains, ofSlots] = [this.#first, this.#rowsInChunks > 0, this.#signs.highest()];
    const highest = Math.min(most, highestCosine);
    let count = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      const score = scores[row] as number;
      // The same as comparing `least` with `weight * score / (score + half)` and the cosine, without a division.
      const missing = least * (score + half) - weight * score;
      // Most rows share only common words with the query. This leaves them out before it looks for their signs.
      if (missing > 0 && missing > highest * (score + half)) continue;
      const first = firsts[row] ?? unknown;
      if (first <= unknown) continue;
      const own = hasChains ? this.#highestOf(row, ofSlots) : (ofSlots[first - 1] as number);
      if (own >= below || (missing > 0 && missing > own * (score + half))) continue;
      if (visible.has(row)) found[count++] = row;
    }
    return found.subarray(0, count);
  }
}

/** Turns the estimates of chunks into one offer for each row. The chunks of a row are added one after another, perhaps in two scans. */
class BestChunk {
  readonly #offer: RowRange['offer'];
  #place = none;
  #estimate = 0;
  #error = 0;

  constructor(offer: RowRange['offer']) {
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
function withRoom(array: Int32Array<ArrayBuffer>, index: number): Int32Array<ArrayBuffer> {
  if (index < array.length) return array;
  const larger = new Int32Array(Math.max(index + 1, Math.ceil(array.length * 1.5)));
  larger.set(array);
  return larger;
}
