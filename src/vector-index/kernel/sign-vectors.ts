import { SlotMemory, slotsPerScan } from './slot-memory';

type Estimate = (
  tables: number,
  steps: number,
  scale: number,
  offset: number,
  deviations: number,
  records: number,
  stride: number,
  first: number,
  blocks: number,
  results: number,
) => number;

type Select = (results: number, count: number, low: number, high: number, places: number) => number;

/** `estimate` tells the highest of so many slots. */
export const slotsPerPart = 256;

/** A query in the form that the kernel reads: tables of integers, and the numbers that convert their sums back. */
export interface SignQuery {
  readonly tables: Uint8Array;
  readonly scale: number;
  readonly offset: number;
  /** By how many standard deviations of a vector's estimate it may differ from the dot product. */
  readonly deviations: number;
}

// See assembly/signs.ts.
const slotsPerBlock = 16;
const dimensionsPerStep = 16;
const dimensionsPerGroup = 4;
const groupsPerStep = dimensionsPerStep / dimensionsPerGroup;
const combinations = 2 ** dimensionsPerGroup;
const bytesPerStep = (slotsPerBlock * dimensionsPerStep) / 8;
const resultBytes = Float32Array.BYTES_PER_ELEMENT;
const mostInTable = 63;
const mostInSum = 2 ** 16 - 1;
// An estimate may be too low by so many standard deviations. Measured over the ten nearest turns of 400 questions of LoCoMo: a scan loses 1 of
// 4,000 with the built-in model, and none with all-MiniLM-L6-v2. With 3 deviations, it loses 20 of 4,000 with the built-in model, because a
// few large components of its vectors make the errors larger than those of a normal distribution.
const allowedDeviations = 4;
// The share of a vector's length that its signs do not tell, if its components are normally distributed: the root of 1 - 2 / pi.
const typicalResidual = 0.603;

/**
 * Stores the signs of the components of vectors in numbered slots, one bit for each dimension. Estimates dot products from them, with the
 * estimator of RaBitQ (Gao and Long, 'RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound', 2024), without its
 * rotation. The estimates of 16 vectors are looked up and added at the same time, as in its batch search. A scan reads a seventh of the memory
 * that a scan of bytes reads. Write a slot before you scan it.
 */
export class SignVectors {
  readonly #dimensions: number;
  readonly #steps: number;
  readonly #mostInTable: number;
  readonly #memory: SlotMemory;
  readonly #estimate: Estimate;
  readonly #select: Select;
  /** Where the places that `select` finds begin. */
  readonly #placesAt: number;
  #best = new Float32Array(0);

  constructor(dimensions: number, memoryBytes: number) {
    this.#dimensions = dimensions;
    this.#steps = Math.ceil(dimensions / dimensionsPerStep);
    // With very many dimensions, the sums must still fit into 16 bits.
    this.#mostInTable = Math.min(mostInTable, Math.floor(mostInSum / (this.#steps * groupsPerStep)));
    this.#placesAt = this.#steps * groupsPerStep * combinations;
    this.#memory = new SlotMemory({
      stride: slotsPerBlock * (signBytes(dimensions) - resultBytes),
      scratchBytes: this.#placesAt + slotsPerScan * Uint32Array.BYTES_PER_ELEMENT,
      resultBytes: slotsPerBlock * resultBytes,
      maxBytes: memoryBytes,
    });
    this.#estimate = this.#memory.kernel.estimateSigns as Estimate;
    this.#select = this.#memory.kernel.selectSigns as Select;
  }

  /** The number of bytes that the memory has now. */
  get bytes(): number {
    return this.#memory.bytes + this.#best.byteLength;
  }

  /** The number of slots that fit into the memory. */
  get capacity(): number {
    return this.#memory.capacity * slotsPerBlock;
  }

  /** Stores the signs of a vector. */
  write(slot: number, vector: Float32Array): void {
    const inBlock = slot % slotsPerBlock;
    const block = this.#memory.reserve((slot - inBlock) / slotsPerBlock);
    const { buffer } = this.#memory;
    const half = slotsPerBlock / 2;
    const first = inBlock < half ? 2 * inBlock : 2 * (inBlock - half) + 1;
    const bytes = new Uint8Array(buffer, block, this.#steps * bytesPerStep);
    let [sum, squares, signs] = [0, 0, 0];
    for (let i = 0; i < this.#dimensions; i++) {
      const component = vector[i] as number;
      if (component >= 0) signs |= 1 << (i & 7);
      sum += Math.abs(component);
      squares += component * component;
      if ((i & 7) !== 7 && i + 1 < this.#dimensions) continue;
      bytes[(i >> 3) * slotsPerBlock + first] = signs;
      signs = 0;
    }
    // The sum divided by the root of `dimensions * squares` is the cosine between the vector and its signs.
    // Components of equal size have no residual, but the query is rounded for them, too.
    const least = typicalResidual ** 2 * squares;
    const rest = Math.max(least, (this.#dimensions * squares - sum * sum) / Math.max(1, this.#dimensions - 1));
    const factors = new Float32Array(buffer, block + bytes.length, 2 * slotsPerBlock);
    factors[inBlock] = sum === 0 ? 0 : squares / sum;
    factors[slotsPerBlock + inBlock] = sum === 0 ? 0 : (Math.sqrt(squares) * Math.sqrt(rest)) / sum;
  }

  aim(query: Float32Array): SignQuery {
    const groups = this.#steps * groupsPerStep;
    const sums = new Float64Array(groups);
    let squares = 0;
    for (let i = 0; i < this.#dimensions; i++) {
      const component = query[i] as number;
      squares += component * component;
      sums[i >> 2] = (sums[i >> 2] as number) + Math.abs(component);
    }
    const scale = (2 * sums.reduce((most, sum) => Math.max(most, sum), 0)) / this.#mostInTable;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const tables = new Uint8Array(groups * combinations);
    for (let group = 0; group < groups; group++) {
      for (let signs = 0; signs < combinations; signs++) {
        let sum = sums[group] as number;
        for (let i = 0; i < dimensionsPerGroup; i++) {
          const component = query[group * dimensionsPerGroup + i] ?? 0;
          sum += (signs >> i) & 1 ? component : -component;
        }
        tables[group * combinations + signs] = Math.round(sum * inverse);
      }
    }
    const offset = -sums.reduce((total, sum) => total + sum, 0);
    // Rounding changes the sum of each group by up to half of `scale`, which adds to the error of the signs.
    const rounding = (scale * Math.sqrt(groups / 12)) / typicalResidual;
    return { tables, scale, offset, deviations: allowedDeviations * Math.sqrt(squares + rounding * rounding) };
  }

  /**
   * Estimates the highest dot products that the vectors in the first `count` slots may have, which `select` and `highest` then tell. Returns the
   * highest of each part of `slotsPerPart` slots. The next call overwrites all of them. The slots must all be written.
   */
  estimate(query: SignQuery, count: number): Float32Array {
    const { buffer, recordsAt, resultsAt, stride } = this.#memory;
    const { tables, scale, offset, deviations } = query;
    const [estimate, steps] = [this.#estimate, this.#steps];
    const parts = Math.ceil(count / slotsPerPart);
    if (this.#best.length < parts) this.#best = new Float32Array(Math.ceil(parts * 1.25));
    new Uint8Array(buffer, 0, tables.length).set(tables);
    for (let part = 0, from = 0; part < parts; part++, from += slotsPerPart) {
      const blocks = Math.ceil(Math.min(slotsPerPart, count - from) / slotsPerBlock);
      const first = from / slotsPerBlock;
      this.#best[part] = estimate(0, steps, scale, offset, deviations, recordsAt, stride, first, blocks, resultsAt);
    }
    return this.#best.subarray(0, parts);
  }

  /** Stores those of the first `count` slots whose dot product may be at least `low` and is below `high`. Returns their number. */
  select(count: number, low: number, high: number, slots: Uint32Array): number {
    const { buffer, resultsAt } = this.#memory;
    const select = this.#select;
    let found = 0;
    for (let part = 0, from = 0; from < count; part++, from += slotsPerPart) {
      if ((this.#best[part] as number) < low) continue;
      const length = Math.min(slotsPerPart, count - from);
      const selected = select(resultsAt + from * resultBytes, length, low, high, this.#placesAt);
      const places = new Uint32Array(buffer, this.#placesAt, selected);
      for (let i = 0; i < selected; i++) slots[found++] = from + (places[i] as number);
    }
    return found;
  }

  /** The highest dot products that the vectors in all slots may have. Valid until the next write. */
  highest(): Float32Array {
    return new Float32Array(this.#memory.buffer, this.#memory.resultsAt, this.capacity);
  }
}

/** The number of bytes that the signs of a vector take, with what a scan finds out. */
export function signBytes(dimensions: number): number {
  const steps = Math.ceil(dimensions / dimensionsPerStep);
  return (steps * bytesPerStep) / slotsPerBlock + 2 * Float32Array.BYTES_PER_ELEMENT + resultBytes;
}
