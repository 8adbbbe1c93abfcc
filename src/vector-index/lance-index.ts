import { Addresses } from './addresses';
import { IndexDamaged } from './index-damaged';
import { loadLance } from './lance-library';
import { distanceTolerance, LanceTable, type Nearest } from './lance-table';
import { type Probes, probesFor } from './probes';
import type { VectorCandidate, VectorSource, VisibleRows } from './vector-index';
import { type FoundVector, verifiedScores } from './verified-scores';

export interface LanceIndexOptions {
  /** Absolute. */
  readonly folder: string;
  readonly dimensions: number;
  readonly source: VectorSource;
  readonly probes: Probes;
}

/** What a search wants. */
export interface LanceSearch {
  readonly query: Float32Array;
  readonly visible: VisibleRows;
  readonly limit: number;
  /** Whether a row has changed since the index was built, so that it is not to be found here. Asked when LanceDB has answered. */
  isStale(row: number): boolean;
}

// Room for rows that are stale or seen twice, and for chance where only a part is visible.
const margin = 1.5;
const spare = 8;

/**
 * An approximate index over what the truth held when it was built: an IVF index of LanceDB that is never changed. Whoever
 * owns it knows which rows have changed since.
 *
 * It asks LanceDB for more than is wanted, drops what is not visible, and asks for more again until there is enough. At
 * 100,000 vectors that takes two thirds of the time of a predicate over labels that have an index of their own, and a quarter
 * of one over labels that have none; and with a predicate, fixed probes find too few.
 */
export class LanceIndex {
  readonly #table: LanceTable;
  readonly #addresses: Addresses;
  readonly #source: VectorSource;
  readonly #probes: Probes;
  readonly #running = new Set<Promise<unknown>>();

  private constructor(table: LanceTable, addresses: Addresses, source: VectorSource, probes: Probes) {
    this.#table = table;
    this.#addresses = addresses;
    this.#source = source;
    this.#probes = probes;
  }

  /** Opens a folder that `buildLanceTable` filled. */
  static async open({ folder, dimensions, source, probes }: LanceIndexOptions): Promise<LanceIndex> {
    const table = await LanceTable.open(await loadLance(), folder, dimensions);
    const addresses = new Addresses();
    for await (const stored of table.stored()) addresses.add(stored);
    return new LanceIndex(table, addresses, source, probes);
  }

  /** How many vectors it holds. */
  get size(): number {
    return this.#addresses.count;
  }

  /**
   * The visible rows whose best part lies nearest, with their scores: at most `limit`, best first, fewer only when fewer are
   * there. Rows that are stale are left out.
   *
   * @throws IndexDamaged where LanceDB fails, or where what it found is not what the truth holds.
   */
  search(wish: LanceSearch): Promise<VectorCandidate[]> {
    const search = this.#search(wish);
    const running = search.catch(() => undefined).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return search;
  }

  /** Waits for the searches that run. */
  async close(): Promise<void> {
    await Promise.all(this.#running);
    this.#table.close();
  }

  async #search(wish: LanceSearch): Promise<VectorCandidate[]> {
    const { query, visible, limit } = wish;
    if (limit <= 0 || visible.count <= 0) return [];
    const { partitions } = this.#probes;
    const share = Math.min(1, visible.count / this.size);
    const room = share < 1 ? margin : 1;
    // The better half of what is asked for is what recall is promised for; the rest is the caller's own margin.
    const wanted = Math.ceil(limit / 2);
    let fetched = Math.ceil((limit / share) * room) + spare;
    let probes = probesFor(this.#probes, (wanted / share) * room);
    let farthest = Number.POSITIVE_INFINITY;
    for (;;) {
      const nearest = await this.#nearest(query, Math.min(fetched, this.size), probes);
      const { found, depth } = this.#admit(nearest, wish, wanted);
      const isAll = probes === partitions && (found.length === limit || nearest.length < fetched);
      const needed = probesFor(this.#probes, depth);
      const before = farthest;
      farthest = found[wanted - 1]?.distance ?? Number.POSITIVE_INFINITY;
      // What is visible may lie far from the query, where probes were not measured: then they are enough when more find no better.
      const isTrusted = depth <= (2 * wanted) / share || farthest >= before;
      if (isAll || (found.length === limit && probes >= needed && isTrusted)) {
        return verifiedScores(this.#source, query, found, distanceTolerance(query.length));
      }
      if (found.length < limit && nearest.length === fetched) fetched *= 4;
      probes = Math.min(partitions, Math.max(needed, 2 * probes));
    }
  }

  async #nearest(query: Float32Array, limit: number, probes: number): Promise<Nearest> {
    try {
      return await this.#table.nearest(query, limit, probes);
    } catch (cause) {
      throw new IndexDamaged('LanceDB could not search the vector index.', { cause });
    }
  }

  /** The nearest part of each row that may be found, and how deep among all vectors the last wanted one lies. */
  #admit(
    { length, addresses, distances }: Nearest,
    { visible, limit, isStale }: LanceSearch,
    wanted: number,
  ): { found: FoundVector[]; depth: number } {
    const found = new Map<number, FoundVector>();
    let depth = length;
    for (let i = 0; i < length && found.size < limit; i++) {
      const name = this.#addresses.find(addresses[2 * i] as number, addresses[2 * i + 1] as number);
      if (name === undefined) throw new IndexDamaged('LanceDB found a vector at an address where none was stored.');
      if (found.has(name.row) || !visible.has(name.row) || isStale(name.row)) continue;
      found.set(name.row, { ...name, distance: distances[i] as number });
      if (found.size === wanted) depth = i + 1;
    }
    return { found: [...found.values()], depth };
  }
}
