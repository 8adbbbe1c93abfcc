import { type FoundVectors, largestComponent, type Needs, SlotMemory, slotsPerScan } from './slot-memory';

type Scan = (
  query: number,
  blocks: number,
  block1: number,
  block2: number,
  queryScale: number,
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

/** A query in the form that the kernel reads: a header, 16-bit integers, and the factor that converts them back to the numbers of the query. */
export interface AimedQuery {
  readonly record: Uint8Array;
  readonly scale: number;
}

/** The largest number of dimensions. With more, the 32-bit sums of the kernel could overflow. */
export const maxDimensions = 8192;

/** The most that the kernel changes an estimate, because it adds and scales in float32. */
export const kernelError = 1e-5;

// Keeps the sums of the kernel within 32 bits, see assembly/bytes.ts. Rounding a query to 12 bits adds a sixteenth to the error that
// 8-bit vectors already have.
const queryLimit = 2047;
const byteLimit = 127;
const dimensionsPerBlock = 16;
const headerBytes = 16;

/** Where the lists of a scan begin. */
type Lists = readonly [slots: number, boosts: number, places: number, estimates: number, errors: number];

/**
 * Stores vectors in WebAssembly memory, in numbered slots. A vector is stored as signed bytes with one common scale. Write a slot
 * before you scan it.
 *
 * An estimate has a proven bound of its error. By the Cauchy-Schwarz inequality, with q and v rounded to q' and v':
 * |qv - q'v'| = |q(v - v') + (q - q')v'| <= |q| |v - v'| + |q - q'| |v'|, and |v'| <= 1 + |v - v'| for a vector of length 1.
 */
export class ByteVectors {
  readonly #dimensions: number;
  readonly #blocks: number;
  /** A scan leaves a vector after this many blocks, if the others cannot make it near enough. */
  readonly #stops: readonly [number, number];
  readonly #memory: SlotMemory;
  readonly #scan: Scan;
  readonly #lists: Lists;

  constructor(dimensions: number, memoryBytes: number) {
    if (dimensions > maxDimensions) {
      throw new RangeError(`Invalid dimensions: expected at most ${maxDimensions}, got ${dimensions}.`);
    }
    this.#dimensions = dimensions;
    this.#blocks = Math.ceil(dimensions / dimensionsPerBlock);
    this.#stops = [Math.ceil(this.#blocks / 3), Math.ceil((2 * this.#blocks) / 3)];
    const listsAt = headerBytes + this.#blocks * dimensionsPerBlock * Int16Array.BYTES_PER_ELEMENT;
    const listBytes = slotsPerScan * Uint32Array.BYTES_PER_ELEMENT;
    this.#lists = [0, 1, 2, 3, 4].map((list) => listsAt + list * listBytes) as unknown as Lists;
    this.#memory = new SlotMemory({
      stride: headerBytes + this.#blocks * dimensionsPerBlock,
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
    return this.#memory.buffer.byteLength;
  }

  /** The number of slots that fit into the memory. */
  get capacity(): number {
    return this.#memory.capacity;
  }

  /** Stores a vector. */
  write(slot: number, vector: Float32Array): void {
    const at = this.#memory.reserve(slot);
    const scale = largestComponent(vector) / byteLimit;
    const bytes = new Int8Array(this.#memory.buffer, at + headerBytes, this.stride - headerBytes);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = 0; i < this.#dimensions; i++) bytes[i] = Math.round((vector[i] as number) * inverse);
    const header = new Float32Array(this.#memory.buffer, at, headerBytes / Float32Array.BYTES_PER_ELEMENT);
    header.set([scale, residualOf(vector, bytes, scale), ...this.#restsOf(bytes, scale)]);
  }

  aim(query: Float32Array): AimedQuery {
    const scale = largestComponent(query) / queryLimit;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const record = new Uint8Array(this.#lists[0]);
    const values = new Int16Array(record.buffer, headerBytes);
    for (let i = 0; i < this.#dimensions; i++) values[i] = Math.round((query[i] as number) * inverse);
    const header = new Float32Array(record.buffer, 0, headerBytes / Float32Array.BYTES_PER_ELEMENT);
    header.set([lengthOf(query, 0, 1), residualOf(query, values, scale), ...this.#restsOf(values, scale)]);
    return { record, scale };
  }

  /**
   * Compares the query with the first `count` of `slots`, at most `slotsPerScan`. Finds those whose dot product may be large enough. Every
   * other is proven to be smaller.
   */
  scan({ record, scale }: AimedQuery, slots: Uint32Array, count: number, { least, boost }: Needs): FoundVectors {
    const { buffer, recordsAt } = this.#memory;
    const [slotsAt, boostsAt, places, estimates, errors] = this.#lists;
    new Uint8Array(buffer, 0, record.length).set(record);
    new Uint32Array(buffer, slotsAt, count).set(slots.subarray(0, count));
    if (boost !== undefined) new Float32Array(buffer, boostsAt, count).set(boost.scores.subarray(0, count));
    const found = this.#scan(
      ...([0, this.#blocks, ...this.#stops, scale, recordsAt, this.stride, slotsAt, count] as const),
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

  /** The lengths of what follows after each stop. */
  #restsOf(values: Int8Array | Int16Array, scale: number): number[] {
    return this.#stops.map((blocks) => lengthOf(values, blocks * dimensionsPerBlock, scale));
  }
}

/** The length of a vector, without the components before `from`. */
function lengthOf(values: Int8Array | Int16Array | Float32Array, from: number, scale: number): number {
  let sum = 0;
  for (let i = from; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum) * scale;
}

/** The length of the difference between a vector and its rounded form. */
function residualOf(vector: Float32Array, rounded: Int8Array | Int16Array, scale: number): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) {
    const difference = (vector[i] as number) - (rounded[i] as number) * scale;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}
