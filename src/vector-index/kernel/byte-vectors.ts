import { int8Kernel } from './int8-kernel.generated';

interface WasmMemory {
  /** `grow` replaces this buffer. */
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

// The types of Node 20 do not declare WebAssembly. This declares the part that is used here.
const { WebAssembly: webAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (
      module: object,
      imports: { env: { memory: WasmMemory } },
    ) => { readonly exports: Readonly<Record<string, unknown>> };
  };
};

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

/** The largest number of slots that one `scan` accepts. */
export const slotsPerScan = 4096;
/** The largest number of dimensions. With more, the 32-bit sums of the kernel could overflow. */
export const maxDimensions = 8192;

const pageBytes = 2 ** 16;
// The largest number of pages that 32-bit addresses can reach.
const maxPages = 2 ** 16;
// Keeps the sums of the kernel within 32 bits, see assembly/int8.ts. Rounding a query to 12 bits adds a sixteenth to the error that
// 8-bit vectors already have.
const queryLimit = 2047;
const byteLimit = 127;
const dimensionsPerBlock = 16;

let compiled: object | undefined;

/**
 * Stores vectors in WebAssembly memory, in numbered slots. A vector is stored as signed bytes with one common scale. Write a slot
 * before you scan it.
 */
export class ByteVectors {
  /** The bytes of one slot. */
  readonly stride: number;
  /** The number of slots that fit into the memory. */
  readonly capacity: number;
  readonly #dimensions: number;
  readonly #blocks: number;
  readonly #memory: WasmMemory;
  readonly #scan: Scan;
  readonly #slotsAt: number;
  readonly #estimatesAt: number;
  readonly #recordsAt: number;

  constructor(dimensions: number, memoryBytes: number) {
    if (dimensions > maxDimensions) {
      throw new RangeError(`Invalid dimensions: expected at most ${maxDimensions}, got ${dimensions}.`);
    }
    this.#dimensions = dimensions;
    this.#blocks = Math.ceil(dimensions / dimensionsPerBlock);
    // The scale takes 4 bytes. The rest of its block keeps the next slot aligned for the kernel's loads of 16 bytes.
    this.stride = (this.#blocks + 1) * dimensionsPerBlock;
    this.#slotsAt = this.#blocks * dimensionsPerBlock * Int16Array.BYTES_PER_ELEMENT;
    this.#estimatesAt = this.#slotsAt + slotsPerScan * Uint32Array.BYTES_PER_ELEMENT;
    this.#recordsAt = this.#estimatesAt + slotsPerScan * Float32Array.BYTES_PER_ELEMENT;
    const room = Math.min(memoryBytes, maxPages * pageBytes - this.#recordsAt);
    this.capacity = Math.max(0, Math.floor(room / this.stride));
    this.#memory = new webAssembly.Memory({ initial: Math.ceil(this.#recordsAt / pageBytes), maximum: maxPages });
    compiled ??= new webAssembly.Module(Buffer.from(int8Kernel, 'base64'));
    this.#scan = new webAssembly.Instance(compiled, { env: { memory: this.#memory } }).exports.scan as Scan;
  }

  /** Stores a vector, and returns the length of what rounding changed in it. */
  write(slot: number, vector: Float32Array): number {
    const at = this.#recordsAt + slot * this.stride;
    this.#reserve(at + this.stride);
    const scale = largest(vector) / byteLimit;
    const bytes = new Int8Array(this.#memory.buffer, at, this.stride);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = 0; i < this.#dimensions; i++) bytes[i] = Math.round((vector[i] as number) * inverse);
    new Float32Array(this.#memory.buffer, at + this.#blocks * dimensionsPerBlock, 1)[0] = scale;
    return residualOf(vector, bytes, scale);
  }

  aim(query: Float32Array): AimedQuery {
    const scale = largest(query) / queryLimit;
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
    this.#scan(0, this.#blocks, this.#recordsAt, this.stride, this.#slotsAt, count, this.#estimatesAt);
    return new Float32Array(buffer, this.#estimatesAt, count);
  }

  #reserve(bytes: number): void {
    const missing = Math.ceil(bytes / pageBytes) - this.#memory.buffer.byteLength / pageBytes;
    if (missing <= 0) return;
    const pages = this.#memory.buffer.byteLength / pageBytes;
    // Growing copies nothing, but replaces the buffer that existing views use. The memory grows by at least a quarter, so this is
    // rare.
    this.#memory.grow(Math.min(Math.max(missing, Math.ceil(pages / 4)), maxPages - pages));
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

function largest(vector: Float32Array): number {
  let most = 0;
  for (const value of vector) {
    const size = Math.abs(value);
    if (size > most) most = size;
  }
  return most;
}
