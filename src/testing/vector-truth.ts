import type { StoredVector, VectorSource, VisibleRows } from '../vector-index/vector-index';

/** The truth of a vector index, in memory: what a test writes. */
export class VectorTruthFixture implements VectorSource {
  readonly #vectors = new Map<number, readonly Float32Array[]>();
  readonly #changes: number[] = [];

  /** One entry that gives a row these parts; none removes the row. */
  set(row: number, ...parts: Float32Array[]): void {
    if (parts.length === 0) this.#vectors.delete(row);
    else this.#vectors.set(row, parts);
    this.#changes.push(row);
  }

  *read(rows: ArrayLike<number>): Iterable<StoredVector> {
    for (const row of Array.from(rows)) {
      for (const [chunk, vector] of (this.#vectors.get(row) ?? []).entries()) yield { row, chunk, vector };
    }
  }

  rows(): Uint32Array {
    return Uint32Array.from(this.#vectors.keys()).sort();
  }

  entry(): number {
    return this.#changes.length;
  }

  fingerprint(entry: number): string {
    return String(this.#changes[entry - 1]);
  }

  rowsChangedSince(entry: number): Uint32Array {
    return Uint32Array.from(new Set(this.#changes.slice(entry))).sort();
  }
}

/** These rows and no others. */
export function visibleRows(rows: Iterable<number>): VisibleRows {
  const set = new Set(rows);
  const ascending = Uint32Array.from(set).sort();
  return { count: set.size, has: (row) => set.has(row), rows: () => ascending };
}

/**
 * Vectors of length 1 in clusters, a few and large ones, as texts on some topics have them. The same seed gives the same
 * vectors.
 */
export function seededVectors(seed: number, count: number, dimensions: number): Float32Array[] {
  const random = seededRandom(seed);
  const centres = Array.from({ length: Math.ceil(Math.sqrt(count) / 2) }, () => randomVector(random, dimensions));
  return Array.from({ length: count }, () => {
    const centre = centres[Math.floor(random() * centres.length)] as Float32Array;
    const noise = randomVector(random, dimensions);
    return unit(centre.map((x, i) => x + (noise[i] as number)));
  });
}

/** Numbers in [0, 1): the generator mulberry32, in the public domain. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// The sum of three uniform numbers is near enough to a normal one for a direction without preference.
function randomVector(random: () => number, dimensions: number): Float32Array {
  return unit(Float32Array.from({ length: dimensions }, () => random() + random() + random() - 1.5));
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => x / length);
}
