import { type FoundVectors, largestComponent, type Needs, SlotMemory, slotsPerScan } from './slot-memory';

type Scan = (
  query: number,
  dimensions: number,
  total: number,
  scale: number,
  roughScale: number,
  records: number,
  stride: number,
  slots: number,
  first: number,
  count: number,
  deviations: number,
  roughDeviations: number,
  least: number,
  boosts: number,
  boostWeight: number,
  boostHalf: number,
  places: number,
  estimates: number,
  errors: number,
) => number;

/** A query in the form that the kernel reads: integers of 4 bits, divided into their bits, the signs, and the factors that convert them back. */
export interface SignQuery {
  readonly words: Uint8Array;
  readonly total: number;
  readonly scale: number;
  readonly roughScale: number;
  /** By how many standard deviations of a vector's estimate it may differ from the dot product. */
  readonly deviations: number;
}

const dimensionsPerWord = 64;
const bytesPerWord = 8;
const bitsPerComponent = 4;
// The bits of the component, and its sign.
const wordsPerWord = bitsPerComponent + 1;
const queryLimit = 7;
// An estimate may be too low by so many standard deviations. Measured over the ten nearest turns of 400 questions of LoCoMo: a scan loses 2 of
// 4,000 with the built-in model, and none with all-MiniLM-L6-v2. With 3 deviations, it loses 43 of 4,000 with the built-in model, because a
// few large components of its vectors make the errors larger than those of a normal distribution.
const allowedDeviations = 4;
// If only the signs of the query count, estimates are less exact, and too low for near vectors. So they may be too low by more.
const roughness = 2;
// The share of a vector's length that its signs do not tell, if its components are normally distributed: the root of 1 - 2 / pi.
const typicalResidual = 0.603;

/**
 * Stores the signs of the components of vectors in numbered slots, one bit for each dimension. Estimates dot products from them, with the
 * estimator of RaBitQ (Gao and Long, 'RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound', 2024), without its
 * rotation. A scan reads a seventh of the memory that a scan of bytes reads. Write a slot before you scan it.
 */
export class SignVectors {
  readonly #dimensions: number;
  readonly #words: number;
  readonly #memory: SlotMemory;
  readonly #scan: Scan;
  readonly #slotsAt: number;
  readonly #boostsAt: number;
  readonly #found: readonly [places: number, estimates: number, errors: number];

  constructor(dimensions: number, memoryBytes: number) {
    this.#dimensions = dimensions;
    this.#words = Math.ceil(dimensions / dimensionsPerWord);
    this.#slotsAt = this.#words * wordsPerWord * bytesPerWord;
    const listBytes = slotsPerScan * Uint32Array.BYTES_PER_ELEMENT;
    this.#found = [1, 2, 3].map((list) => this.#slotsAt + list * listBytes) as [number, number, number];
    this.#boostsAt = this.#slotsAt + 4 * listBytes;
    this.#memory = new SlotMemory({
      stride: signBytes(dimensions),
      scratchBytes: this.#slotsAt + 5 * listBytes,
      maxBytes: memoryBytes,
    });
    this.#scan = this.#memory.kernel.scanSigns as Scan;
  }

  /** The number of bytes that the memory has now. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Stores the signs of a vector. */
  write(slot: number, vector: Float32Array): void {
    const at = this.#memory.reserve(slot);
    const { stride, buffer } = this.#memory;
    const bytes = new Uint8Array(buffer, at, stride).fill(0);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < this.#dimensions; i++) {
      const component = vector[i] as number;
      if (component >= 0) bytes[i >> 3] = (bytes[i >> 3] as number) | (1 << (i & 7));
      sum += Math.abs(component);
      squares += component * component;
    }
    // The sum divided by the root of `dimensions * squares` is the cosine between the vector and its signs.
    // Components of equal size have no residual, but the query is rounded for them, too.
    const least = typicalResidual ** 2 * squares;
    const rest = Math.max(least, (this.#dimensions * squares - sum * sum) / Math.max(1, this.#dimensions - 1));
    const factors = new Float32Array(buffer, at + this.#words * bytesPerWord, 2);
    factors[0] = sum === 0 ? 0 : squares / sum;
    factors[1] = sum === 0 ? 0 : (Math.sqrt(squares) * Math.sqrt(rest)) / sum;
  }

  aim(query: Float32Array): SignQuery {
    const scale = largestComponent(query) / queryLimit;
    const words = new Uint8Array(this.#words * wordsPerWord * bytesPerWord);
    let [total, sum, squares] = [0, 0, 0];
    for (let i = 0; i < this.#dimensions; i++) {
      const component = query[i] as number;
      sum += Math.abs(component);
      squares += component * component;
      const integer = scale === 0 ? 0 : Math.round(component / scale);
      total += integer;
      const first = (i >> 6) * wordsPerWord * bytesPerWord + ((i & 63) >> 3);
      for (let bit = 0; bit < bitsPerComponent; bit++) {
        const at = first + bit * bytesPerWord;
        if ((integer >> bit) & 1) words[at] = (words[at] as number) | (1 << (i & 7));
      }
      const signAt = first + bitsPerComponent * bytesPerWord;
      if (component >= 0) words[signAt] = (words[signAt] as number) | (1 << (i & 7));
    }
    // Rounding changes each component by up to half of `scale`, which adds to the error of the signs.
    const rounding = (scale * Math.sqrt(this.#dimensions / 12)) / typicalResidual;
    const deviations = allowedDeviations * Math.hypot(Math.sqrt(squares), rounding);
    return { words, total, scale, roughScale: sum === 0 ? 0 : squares / sum, deviations };
  }

  /** Compares the query with the first `count` of `slots`, at most `slotsPerScan`. Finds those whose dot product may be large enough. */
  scan(query: SignQuery, slots: Uint32Array, count: number, needs: Needs): FoundVectors {
    new Uint32Array(this.#memory.buffer, this.#slotsAt, count).set(slots.subarray(0, count));
    return this.#find(query, this.#slotsAt, 0, count, needs);
  }

  /** Does the same for `count` slots from `first` on, which must all be written. Their places count from `first`. */
  scanRange(query: SignQuery, first: number, count: number, needs: Needs): FoundVectors {
    return this.#find(query, 0, first, count, needs);
  }

  #find(query: SignQuery, slots: number, first: number, count: number, { least, boost }: Needs): FoundVectors {
    const { buffer, recordsAt, stride } = this.#memory;
    const [places, estimates, errors] = this.#found;
    new Uint8Array(buffer, 0, query.words.length).set(query.words);
    if (boost !== undefined) new Float32Array(buffer, this.#boostsAt, count).set(boost.scores.subarray(0, count));
    const { total, scale, roughScale, deviations } = query;
    const boosts = boost === undefined ? 0 : this.#boostsAt;
    const found = this.#scan(
      ...([0, this.#dimensions, total, scale, roughScale, recordsAt, stride, slots, first, count] as const),
      ...([deviations, roughness * deviations, least, boosts, boost?.weight ?? 0, boost?.half ?? 1] as const),
      ...([places, estimates, errors] as const),
    );
    return {
      count: found,
      places: new Uint32Array(buffer, places, found),
      estimates: new Float32Array(buffer, estimates, found),
      errors: new Float32Array(buffer, errors, found),
    };
  }
}

/** The number of bytes that the signs of a vector take. */
export function signBytes(dimensions: number): number {
  return Math.ceil(dimensions / dimensionsPerWord) * bytesPerWord + 2 * Float32Array.BYTES_PER_ELEMENT;
}
