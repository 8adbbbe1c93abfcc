import { nextTurn, pause } from '../environment/timers';
import { BestRows } from './best-rows';
import { bestChunk } from './kernel/dot';
import { ResidentVectors } from './resident-vectors';
import type { VectorCandidate, VectorIndex, VectorSource, VisibleRows } from './vector-index';

export interface ExactIndexOptions {
  readonly dimensions: number;
  /** Bound of the memory that vectors may take: `dimensions` bytes and some 30 more for each. What is beyond it is read for every search. */
  readonly memoryBytes: number;
  readonly source: VectorSource;
}

/** An index that looks at every visible vector, from memory as far as the bound allows. */
export interface ExactIndex extends VectorIndex {
  /**
   * Brings those rows into memory, until they are there, the bound is met, or the index is closed. A little at a time: with a
   * pause after each, in which the process may end, or as fast as the event loop allows.
   */
  warm(rows: ArrayLike<number>, pace: 'with pauses' | 'at once'): Promise<void>;
}

/** Searches exactly: an estimate is off by no more than the rounding of components to bytes. Nothing is read before it is searched for. */
export function exactIndex(options: ExactIndexOptions): ExactIndex {
  return new ResidentExactIndex(options);
}

// What one turn of the event loop may hold: about 3 ms of scanning, and about 2 ms of reading.
const scannedPerTurn = 32_768;
const readPerTurn = 256;
const msBetweenReads = 5;

class ResidentExactIndex implements ExactIndex {
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
    const offer = (row: number, estimate: number) => best.offer(row, estimate);
    const aimed = this.#resident.aim(query);
    for (let from = 0; from < rows.length; ) {
      if (from > 0) await nextTurn();
      // A row that is read may be dropped again before it is scored, by a refresh, but never within one turn.
      const to = this.#read(rows, from, (row, vectors) => offer(row, bestChunk(query, vectors)));
      this.#resident.score(aimed, rows, from, to, offer);
      from = to;
    }
    return best.candidates();
  }

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
   * Reads what is not known of the rows from `from` on, as many as one turn may take, and gives back where the next turn
   * begins. Rows that there is no room to keep are handed to `beyond`.
   */
  #read(
    rows: ArrayLike<number>,
    from: number,
    beyond: (row: number, vectors: readonly Float32Array[]) => void,
  ): number {
    const missing = new Map<number, Float32Array[]>();
    const end = Math.min(from + scannedPerTurn, rows.length);
    let to = from;
    for (; to < end && missing.size < readPerTurn; to++) {
      const row = rows[to] as number;
      if (!this.#resident.knows(row)) missing.set(row, []);
    }
    if (missing.size === 0) return to;
    for (const { row, vector } of this.#source.read([...missing.keys()])) missing.get(row)?.push(vector);
    for (const [row, vectors] of missing) if (!this.#resident.keep(row, vectors)) beyond(row, vectors);
    return to;
  }
}
