import { type FoundVectors, largestComponent, type Needs, SlotMemory, slotsPerScan } from './slot-memory';

type Scan = (
  query: number,
  blocks: number,
  total: number,
  queryScale: number,
  certainty: number,
  records: number,
  stride: number,
  slots: number,
  count: number,
  least: number,
  boosts: number,
  boostWeight: number,
  boostHalf: number,
  kernelError: number,
  places: number,
  estimates: number,
  errors: number,
) => number;

/**
 * A query in the form that the kernel reads: a header, 16-bit integers and their sum, and the factor that converts them back to the numbers of
 * the query.
 */
export interface AimedQuery {
  readonly record: Uint8Array;
  readonly total: number;
  readonly scale: number;
}

/**
 * Whether every vector that a scan leaves out is proven to be too far away, or only very likely is. The difference is in a first look at the
 * high half of each byte: 'likely' takes what it does not tell for noise, which is as strong in any direction, and allows for five standard
 * deviations of it.
 */
export type Certainty = 'proven' | 'likely';

/** The largest number of dimensions. With more, the 32-bit sums of the kernel could overflow. */
export const maxDimensions = 8192;

/** The most that the kernel changes an estimate, because it adds and scales in float32. */
export const kernelError = 1e-5;

// Keeps the sums of the kernel within 32 bits, see assembly/bytes.ts. Rounding a query to 12 bits adds a sixteenth to the error that
// 8-bit vectors already have.
const queryLimit = 2047;
const byteLimit = 127;
const dimensionsPerBlock = 32;
const bytesPerHalf = 16;
const headerBytes = 16;
// The mean of the low half of a byte, which is from 0 to 15.
const meanLow = 7.5;
const allowedDeviations = 5;

/** Where the lists of a scan begin. */
type Lists = readonly [slots: number, boosts: number, places: number, estimates: number, errors: number];

/**
 * Stores vectors in WebAssembly memory, in numbered slots. A vector is stored as bytes with one common scale, in two halves: the high four
 * bits of each byte, and the low ones. Write a slot before you scan it.
 *
 * An estimate has a proven bound of its error. By the Cauchy-Schwarz inequality, with q and v rounded to q' and v':
 * |qv - q'v'| = |q(v - v') + (q - q')v'| <= |q| |v - v'| + |q - q'| |v'|, and |v'| <= 1 + |v - v'| for a vector of length 1.
 * The same is true if v' has only the high halves.
 */
export class ByteVectors {
  readonly #dimensions: number;
  readonly #blocks: number;
  readonly #memory: SlotMemory;
  readonly #scan: Scan;
  readonly #lists: Lists;

  constructor(dimensions: number, memoryBytes: number) {
    if (dimensions > maxDimensions) {
      throw new RangeError(`Invalid dimensions: expected at most ${maxDimensions}, got ${dimensions}.`);
    }
    this.#dimensions = dimensions;
    this.#blocks = Math.ceil(dimensions / dimensionsPerBlock);
    const listsAt = headerBytes + this.#blocks * dimensionsPerBlock * Int16Array.BYTES_PER_ELEMENT;
    const listBytes = slotsPerScan * Uint32Array.BYTES_PER_ELEMENT;
    this.#lists = [0, 1, 2, 3, 4].map((list) => listsAt + list * listBytes) as unknown as Lists;
    this.#memory = new SlotMemory({
      stride: headerBytes + 2 * this.#blocks * bytesPerHalf,
      scratchBytes: listsAt + 5 * listBytes,
      maxBytes: memoryBytes,
    });
    this.#scan = this.#memory.kernel.scanBytes as Scan;
  }

  /** The bytes of one slot. */
  get stride(): number {
    return this.#memory.stride;
  }

  /** The number of bytes that the memory has now. */
  get bytes(): number {
    return this.#memory.bytes;
  }

  /** The number of slots that fit into the memory. */
  get capacity(): number {
    return this.#memory.capacity;
  }

  /** Stores a vector. */
  write(slot: number, vector: Float32Array): void {
    const at = this.#memory.reserve(slot);
    const { buffer } = this.#memory;
    const scale = largestComponent(vector) / byteLimit;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const halfBytes = this.#blocks * bytesPerHalf;
    // 16 bits have the halves of four bytes, which are eight dimensions apart.
    const high = new Uint16Array(buffer, at + headerBytes, halfBytes / 2);
    const low = new Uint16Array(buffer, at + headerBytes + halfBytes, halfBytes / 2);
    high.fill(0);
    low.fill(0);
    let [residual, highResidual] = [0, 0];
    for (let i = 0; i < this.#dimensions; i++) {
      const component = vector[i] as number;
      const byte = Math.round(component * inverse) + 128;
      const place = ((i >> 5) << 3) | (i & 7);
      const shift = ((i >> 3) & 3) << 2;
      high[place] = (high[place] as number) | ((byte >> 4) << shift);
      low[place] = (low[place] as number) | ((byte & 15) << shift);
      residual += (component - (byte - 128) * scale) ** 2;
      highResidual += (component - ((byte & 240) + meanLow - 128) * scale) ** 2;
    }
    const header = new Float32Array(buffer, at, headerBytes / Float32Array.BYTES_PER_ELEMENT);
    header[0] = scale;
    header[1] = Math.sqrt(residual);
    header[2] = Math.sqrt(highResidual);
  }

  aim(query: Float32Array): AimedQuery {
    const scale = largestComponent(query) / queryLimit;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const record = new Uint8Array(this.#lists[0]);
    const values = new Int16Array(record.buffer, headerBytes);
    let [total, squares, residual] = [0, 0, 0];
    for (let i = 0; i < this.#dimensions; i++) {
      const component = query[i] as number;
      const value = Math.round(component * inverse);
      values[i] = value;
      total += value;
      squares += component * component;
      residual += (component - value * scale) ** 2;
    }
    const header = new Float32Array(record.buffer, 0, headerBytes / Float32Array.BYTES_PER_ELEMENT);
    header[0] = Math.sqrt(squares);
    header[1] = Math.sqrt(residual);
    return { record, total, scale };
  }

  /**
   * Compares the query with the first `count` of `slots`, at most `slotsPerScan`. Finds those whose dot product may be large enough. Every
   * other is proven to be smaller, or is likely to be, as `certainty` says.
   */
  scan(query: AimedQuery, slots: Uint32Array, count: number, needs: Needs, certainty: Certainty): FoundVectors {
    const { record, total, scale } = query;
    const { least, boost } = needs;
    const { buffer, recordsAt } = this.#memory;
    const [slotsAt, boostsAt, places, estimates, errors] = this.#lists;
    new Uint8Array(buffer, 0, record.length).set(record);
    new Uint32Array(buffer, slotsAt, count).set(slots.subarray(0, count));
    if (boost !== undefined) new Float32Array(buffer, boostsAt, count).set(boost.scores.subarray(0, count));
    const share = certainty === 'proven' ? 1 : Math.min(1, allowedDeviations / Math.sqrt(this.#dimensions));
    const found = this.#scan(
      ...([0, this.#blocks, total, scale, share, recordsAt, this.stride, slotsAt, count] as const),
      ...([least, boost === undefined ? 0 : boostsAt, boost?.weight ?? 0, boost?.half ?? 1, kernelError] as const),
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
