import { largestComponent, SlotMemory, slotsPerScan } from './slot-memory';

type Scan = (
  query: number,
  blocks: number,
  records: number,
  stride: number,
  slots: number,
  count: number,
  estimates: number,
) => void;

/** A query in the form that the kernel reads: 16-bit integers, and the factor that converts them back to the numbers of the query. */
export interface AimedQuery {
  readonly values: Int16Array;
  readonly scale: number;
  /** The length of the query, and of what rounding changed in it. */
  readonly length: number;
  readonly residual: number;
}

/** The largest number of dimensions. With more, the 32-bit sums of the kernel could overflow. */
export const maxDimensions = 8192;

// Keeps the sums of the kernel within 32 bits, see assembly/bytes.ts. Rounding a query to 12 bits adds a sixteenth to the error that
// 8-bit vectors already have.
const queryLimit = 2047;
const byteLimit = 127;
const dimensionsPerBlock = 16;

/**
 * Stores vectors in WebAssembly memory, in numbered slots. A vector is stored as signed bytes with one common scale. Write a slot
 * before you scan it.
 */
export class ByteVectors {
  readonly #dimensions: number;
  readonly #blocks: number;
  readonly #memory: SlotMemory;
  readonly #scan: Scan;
  readonly #slotsAt: number;
  readonly #estimatesAt: number;

  constructor(dimensions: number, memoryBytes: number) {
    if (dimensions > maxDimensions) {
      throw new RangeError(`Invalid dimensions: expected at most ${maxDimensions}, got ${dimensions}.`);
    }
    this.#dimensions = dimensions;
    this.#blocks = Math.ceil(dimensions / dimensionsPerBlock);
    this.#slotsAt = this.#blocks * dimensionsPerBlock * Int16Array.BYTES_PER_ELEMENT;
    this.#estimatesAt = this.#slotsAt + slotsPerScan * Uint32Array.BYTES_PER_ELEMENT;
    this.#memory = new SlotMemory({
      // The scale takes 4 bytes. The rest of its block keeps the next slot aligned for the kernel's loads of 16 bytes.
      stride: (this.#blocks + 1) * dimensionsPerBlock,
      scratchBytes: this.#estimatesAt + slotsPerScan * Float32Array.BYTES_PER_ELEMENT,
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

  /** Stores a vector, and returns the length of what rounding changed in it. */
  write(slot: number, vector: Float32Array): number {
    const at = this.#memory.reserve(slot);
    const scale = largestComponent(vector) / byteLimit;
    const bytes = new Int8Array(this.#memory.buffer, at, this.stride);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = 0; i < this.#dimensions; i++) bytes[i] = Math.round((vector[i] as number) * inverse);
    new Float32Array(this.#memory.buffer, at + this.#blocks * dimensionsPerBlock, 1)[0] = scale;
    return residualOf(vector, bytes, scale);
  }

  aim(query: Float32Array): AimedQuery {
    const scale = largestComponent(query) / queryLimit;
    const inverse = scale === 0 ? 0 : 1 / scale;
    const values = new Int16Array(this.#blocks * dimensionsPerBlock);
    for (let i = 0; i < this.#dimensions; i++) values[i] = Math.round((query[i] as number) * inverse);
    return { values, scale, length: Math.hypot(...query), residual: residualOf(query, values, scale) };
  }

  /**
   * Computes the dot products of the query with the first `count` of `slots`, at most `slotsPerScan`. They are not yet multiplied by
   * the scale of the query. The next call of any method overwrites the returned array.
   */
  scan(query: AimedQuery, slots: Uint32Array, count: number): Float32Array {
    const { buffer } = this.#memory;
    new Int16Array(buffer, 0, query.values.length).set(query.values);
    new Uint32Array(buffer, this.#slotsAt, count).set(slots.subarray(0, count));
    this.#scan(0, this.#blocks, this.#memory.recordsAt, this.stride, this.#slotsAt, count, this.#estimatesAt);
    return new Float32Array(buffer, this.#estimatesAt, count);
  }
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
