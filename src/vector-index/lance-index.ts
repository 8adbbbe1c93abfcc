import { byEstimate } from './exact-index';
import { dot } from './kernel/dot';
import { distanceTolerance, LanceTable, type NearestVectors, type StoredAddresses } from './lance-table';
import { type Probes, probesFor } from './probes';
import type { VectorCandidate, VectorSource, VisibleRows } from './vector-index';

export interface LanceIndexOptions {
  /** The absolute path of the folder. */
  readonly folder: string;
  readonly dimensions: number;
  readonly source: VectorSource;
  readonly probes: Probes;
}

/** The parameters of one search. */
export interface LanceSearch {
  readonly query: Float32Array;
  readonly visible: VisibleRows;
  readonly limit: number;
  /**
   * Returns whether the row changed after the index was built, so that this search must leave it out. Called after LanceDB has
   * answered.
   */
  isStale(row: number): boolean;
}

/**
 * The approximate index failed, or its answer contradicts the stored vectors. This error is internal: the search then uses the exact
 * index, and the approximate index is built again.
 */
export class IndexDamaged extends Error {
  override readonly name = 'IndexDamaged';
}

// A search asks LanceDB for more vectors than it needs: some rows are stale or found twice, and the share of visible rows among the
// nearest ones varies by chance.
const margin = 1.5;
const spare = 8;

/**
 * An approximate index over the vectors that the source contained at one change. It is an IVF index of LanceDB (it groups vectors
 * into partitions, and a search probes only the nearest ones) and never changes. Callers know which rows changed later.
 *
 * A search asks LanceDB for more vectors than needed, drops those that are not visible, and asks for more until it has enough. At
 * 100,000 vectors this takes two thirds of the time of a LanceDB filter over indexed labels, and a quarter of the time of a filter
 * over labels without an index. With a filter, a fixed number of probes would also find too few rows.
 */
export class LanceIndex {
  readonly #table: LanceTable;
  readonly #addresses: AddressMap;
  readonly #source: VectorSource;
  readonly #probes: Probes;
  readonly #running = new Set<Promise<unknown>>();

  private constructor(table: LanceTable, addresses: AddressMap, source: VectorSource, probes: Probes) {
    this.#table = table;
    this.#addresses = addresses;
    this.#source = source;
    this.#probes = probes;
  }

  /**
   * Opens a folder that an index builder filled.
   *
   * @throws LanceUnavailable
   */
  static async open({ folder, dimensions, source, probes }: LanceIndexOptions): Promise<LanceIndex> {
    const table = await LanceTable.open(folder, dimensions);
    const addresses = new AddressMap();
    for await (const stored of table.stored()) addresses.add(stored);
    return new LanceIndex(table, addresses, source, probes);
  }

  /** The number of vectors. */
  get size(): number {
    return this.#addresses.count;
  }

  /**
   * Returns the visible rows with the nearest best chunk and their scores, best first. Returns at most `limit` rows, and fewer only
   * if the index contains fewer. Leaves out stale rows.
   *
   * @throws IndexDamaged if LanceDB fails, or if a distance that it returns does not match the stored vector.
   */
  search(request: LanceSearch): Promise<VectorCandidate[]> {
    const search = this.#search(request);
    const running = search.catch(() => undefined).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return search;
  }

  /** Waits for the running searches, then closes the table. */
  async close(): Promise<void> {
    await Promise.all(this.#running);
    await this.#table.close();
  }

  async #search(request: LanceSearch): Promise<VectorCandidate[]> {
    const { query, visible, limit } = request;
    if (limit <= 0 || visible.count <= 0) return [];
    const { partitions } = this.#probes;
    const share = Math.min(1, visible.count / this.size);
    const room = share < 1 ? margin : 1;
    // The recall is guaranteed for the better half of `limit`. The other half is a reserve of the caller.
    const wanted = Math.ceil(limit / 2);
    let fetched = Math.ceil((limit / share) * room) + spare;
    let probes = probesFor(this.#probes, (wanted / share) * room);
    let farthest = Number.POSITIVE_INFINITY;
    for (;;) {
      const nearest = await this.#nearest(query, Math.min(fetched, this.size), probes);
      const { found, depth } = this.#admit(nearest, request, wanted);
      const isAll = probes === partitions && (found.length === limit || nearest.length < fetched);
      const needed = probesFor(this.#probes, depth);
      const before = farthest;
      farthest = found[wanted - 1]?.distance ?? Number.POSITIVE_INFINITY;
      // Visible rows may be farther from the query than the depths for which probes were measured. In that case probes more until
      // nothing nearer is found.
      const isTrusted = depth <= (2 * wanted) / share || farthest >= before;
      if (isAll || (found.length === limit && probes >= needed && isTrusted)) {
        return verifiedScores(this.#source, query, found);
      }
      if (found.length < limit && nearest.length === fetched) fetched *= 4;
      probes = Math.min(partitions, Math.max(needed, 2 * probes));
    }
  }

  async #nearest(query: Float32Array, limit: number, probes: number): Promise<NearestVectors> {
    try {
      return await this.#table.nearest(query, limit, probes);
    } catch (cause) {
      throw new IndexDamaged('LanceDB could not search the vector index.', { cause });
    }
  }

  /** Selects the nearest chunk of each row that may be found. `depth` is the rank, among all vectors, of the last wanted row. */
  #admit(
    { length, addresses, distances }: NearestVectors,
    { visible, limit, isStale }: LanceSearch,
    wanted: number,
  ): { found: FoundVector[]; depth: number } {
    const found = new Map<number, FoundVector>();
    let depth = length;
    for (let i = 0; i < length && found.size < limit; i++) {
      const name = this.#addresses.find(addresses[2 * i] as number, addresses[2 * i + 1] as number);
      if (name === undefined) throw new IndexDamaged('LanceDB returned an address at which no vector is stored.');
      if (found.has(name.row) || !visible.has(name.row) || isStale(name.row)) continue;
      found.set(name.row, { ...name, distance: distances[i] as number });
      if (found.size === wanted) depth = i + 1;
    }
    return { found: [...found.values()], depth };
  }
}

/** Identifies a vector. */
interface VectorName {
  readonly row: number;
  readonly chunk: number;
}

/** A vector that LanceDB found. */
interface FoundVector extends VectorName {
  /** The squared Euclidean distance, as LanceDB reports it. */
  readonly distance: number;
}

/**
 * Finds the row and chunk of the vector at an address of the table. It is kept in memory, because reading them from the table takes
 * half as long as a search.
 */
class AddressMap {
  // Indexed by fragment (a file of the LanceDB table), then by place in the fragment.
  readonly #rows: number[][] = [];
  readonly #chunks: number[][] = [];
  #count = 0;

  /** The number of vectors. */
  get count(): number {
    return this.#count;
  }

  add({ length, addresses, rows, chunks }: StoredAddresses): void {
    for (let i = 0; i < length; i++) {
      const place = addresses[2 * i] as number;
      const fragment = addresses[2 * i + 1] as number;
      this.#rows[fragment] ??= [];
      this.#chunks[fragment] ??= [];
      (this.#rows[fragment] as number[])[place] = rows[i] as number;
      (this.#chunks[fragment] as number[])[place] = chunks[i] as number;
    }
    this.#count += length;
  }

  /** Returns the vector at an address, or undefined if there is none. */
  find(place: number, fragment: number): VectorName | undefined {
    const row = this.#rows[fragment]?.[place];
    const chunk = this.#chunks[fragment]?.[place];
    return row === undefined || chunk === undefined ? undefined : { row, chunk };
  }
}

/**
 * Computes the scores of the found rows, best first. The score of a row is the score of its best chunk, computed from the stored
 * vectors. Leaves out rows without stored vectors.
 *
 * @throws IndexDamaged if the distance that LanceDB returned differs from that of the stored vector by more than the tolerance.
 */
function verifiedScores(source: VectorSource, query: Float32Array, found: readonly FoundVector[]): VectorCandidate[] {
  const tolerance = distanceTolerance(query.length);
  const claims = new Map(found.map((vector) => [vector.row, vector]));
  const scores = new Map<number, number>();
  const squaredLength = dot(query, query);
  for (const { row, chunk, vector } of source.read([...claims.keys()].sort((a, b) => a - b))) {
    const score = dot(query, vector);
    scores.set(row, Math.max(score, scores.get(row) ?? Number.NEGATIVE_INFINITY));
    const claim = claims.get(row);
    if (claim?.chunk !== chunk) continue;
    const distance = squaredLength + dot(vector, vector) - 2 * score;
    if (!(Math.abs(distance - claim.distance) <= tolerance)) {
      throw new IndexDamaged(`The distance of row ${row}, chunk ${chunk} does not match the stored vector.`);
    }
  }
  return [...scores].map(([row, score]) => ({ row, estimate: score, score })).sort(byEstimate);
}
