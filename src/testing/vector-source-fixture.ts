import type { StoredVector, VectorSource, VisibleRows } from '../vector-index/vector-index';

/** A source of vectors in memory, which a test fills. */
export class VectorSourceFixture implements VectorSource {
  readonly #vectors = new Map<number, readonly Float32Array[]>();
  readonly #changes: number[] = [];

  /** Makes one change: gives a row these chunks, or removes the row if there are none. */
  set(row: number, ...chunks: Float32Array[]): void {
    if (chunks.length === 0) this.#vectors.delete(row);
    else this.#vectors.set(row, chunks);
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

  lastChangeSeq(): number {
    return this.#changes.length;
  }

  fingerprint(changeSeq: number): string {
    return String(this.#changes[changeSeq - 1]);
  }

  rowsChangedSince(changeSeq: number): Uint32Array {
    return Uint32Array.from(new Set(this.#changes.slice(changeSeq))).sort();
  }
}

/** Returns a `VisibleRows` in which exactly these rows are visible. */
export function visibleRows(rows: Iterable<number>): VisibleRows {
  const set = new Set(rows);
  const ascending = Uint32Array.from(set).sort();
  return { count: set.size, has: (row) => set.has(row), rows: () => ascending };
}

/**
 * Makes vectors of length 1 in a few large clusters, which resemble the vectors of texts about a few topics. The same seed gives the
 * same vectors.
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

/** Makes a generator of numbers in [0, 1): mulberry32, which is in the public domain. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// The sum of three uniform numbers is close to a normal distribution, so no direction is preferred.
function randomVector(random: () => number, dimensions: number): Float32Array {
  return unit(Float32Array.from({ length: dimensions }, () => random() + random() + random() - 1.5));
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => x / length);
}
