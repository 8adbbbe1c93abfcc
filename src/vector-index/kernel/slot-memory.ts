import { scanKernel } from './scan-kernel.generated';

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

/** The dot products that a scan looks for. */
export interface Needs {
  /** The least dot product that matters. Negative infinity if every vector matters. */
  readonly least: number;
  /** Undefined if the same dot product is needed of all vectors. */
  readonly boost: Boost | undefined;
}

/** Scores of something else. With a score, a vector needs less than `least` by `weight * score / (score + half)`. */
export interface Boost {
  /** For each place in the list of slots, a number that is not negative. */
  readonly scores: Float32Array;
  readonly weight: number;
  /** Above 0. */
  readonly half: number;
}

/** The vectors that a scan has found. The next call of any method overwrites the arrays. */
export interface FoundVectors {
  readonly count: number;
  /** The places of the found vectors in the list of slots, in ascending order. */
  readonly places: Uint32Array;
  readonly estimates: Float32Array;
  /** The most that each estimate differs from the dot product. */
  readonly errors: Float32Array;
}

/** The largest number of slots that one scan accepts. */
export const slotsPerScan = 4096;

const pageBytes = 2 ** 16;
// The largest number of pages that 32-bit addresses can reach.
const maxPages = 2 ** 16;

let compiled: object | undefined;

interface SlotMemoryOptions {
  readonly stride: number;
  readonly scratchBytes: number;
  /** The bytes that the kernel finds out about one record. */
  readonly resultBytes?: number;
  readonly maxBytes: number;
}

/**
 * WebAssembly memory that begins with room for the input and output of the kernel, followed by records of equal size in numbered slots. Between
 * them is room for what the kernel finds out about each record.
 */
export class SlotMemory {
  /** The bytes of one record. */
  readonly stride: number;
  /** The number of records that fit into the memory. */
  readonly capacity: number;
  /** Where the results begin. */
  readonly resultsAt: number;
  /** Where the records begin. */
  readonly recordsAt: number;
  /** The functions of the kernel, which read and write this memory. */
  readonly kernel: Readonly<Record<string, unknown>>;
  readonly #memory: WasmMemory;
  readonly #lastPage: number;
  readonly #resultBytes: number;

  constructor({ stride, scratchBytes, resultBytes = 0, maxBytes }: SlotMemoryOptions) {
    this.stride = stride;
    this.#resultBytes = resultBytes;
    const room = Math.min(maxBytes, maxPages * pageBytes - scratchBytes);
    this.capacity = Math.max(0, Math.floor(room / (stride + resultBytes)));
    this.resultsAt = scratchBytes;
    this.recordsAt = scratchBytes + this.capacity * resultBytes;
    this.#lastPage = Math.ceil((this.recordsAt + this.capacity * stride) / pageBytes);
    // The operating system gives a page of memory when it is first used, so the room for results takes nothing before there are records.
    this.#memory = new webAssembly.Memory({ initial: Math.ceil(this.recordsAt / pageBytes), maximum: maxPages });
    compiled ??= new webAssembly.Module(Buffer.from(scanKernel, 'base64'));
    this.kernel = new webAssembly.Instance(compiled, { env: { memory: this.#memory } }).exports;
  }

  /** The memory. A call of `reserve` may replace it. */
  get buffer(): ArrayBuffer {
    return this.#memory.buffer;
  }

  /** The number of bytes that are in use or reserved for the next records. */
  get bytes(): number {
    const { byteLength } = this.#memory.buffer;
    const records = Math.min(this.capacity, Math.ceil(Math.max(0, byteLength - this.recordsAt) / this.stride));
    return byteLength - (this.capacity - records) * this.#resultBytes;
  }

  /** Makes room for the record of a slot, and returns where it begins. */
  reserve(slot: number): number {
    const at = this.recordsAt + slot * this.stride;
    const pages = this.#memory.buffer.byteLength / pageBytes;
    const missing = Math.ceil((at + this.stride) / pageBytes) - pages;
    // Growing copies nothing, but replaces the buffer that existing views use. The room for records grows by at least a quarter, so this is rare.
    const room = this.#lastPage - pages;
    const quarter = Math.ceil((pages - Math.floor(this.recordsAt / pageBytes)) / 4);
    if (missing > 0) this.#memory.grow(Math.max(missing, Math.min(quarter, room)));
    return at;
  }
}

/** Returns the number with the largest size in a vector, without its sign. */
export function largestComponent(vector: Float32Array): number {
  let most = 0;
  for (const value of vector) {
    const size = Math.abs(value);
    if (size > most) most = size;
  }
  return most;
}
