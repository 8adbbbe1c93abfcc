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

/** WebAssembly memory that begins with room for the input and output of the kernel, followed by records of equal size in numbered slots. */
export class SlotMemory {
  /** The bytes of one record. */
  readonly stride: number;
  /** The number of records that fit into the memory. */
  readonly capacity: number;
  /** Where the records begin. */
  readonly recordsAt: number;
  /** The functions of the kernel, which read and write this memory. */
  readonly kernel: Readonly<Record<string, unknown>>;
  readonly #memory: WasmMemory;
  readonly #lastPage: number;

  constructor({ stride, scratchBytes, maxBytes }: { stride: number; scratchBytes: number; maxBytes: number }) {
    this.stride = stride;
    this.recordsAt = scratchBytes;
    const room = Math.min(maxBytes, maxPages * pageBytes - scratchBytes);
    this.capacity = Math.max(0, Math.floor(room / stride));
    this.#lastPage = Math.ceil((scratchBytes + this.capacity * stride) / pageBytes);
    this.#memory = new webAssembly.Memory({ initial: Math.ceil(scratchBytes / pageBytes), maximum: maxPages });
    compiled ??= new webAssembly.Module(Buffer.from(scanKernel, 'base64'));
    this.kernel = new webAssembly.Instance(compiled, { env: { memory: this.#memory } }).exports;
  }

  /** The memory. A call of `reserve` may replace it. */
  get buffer(): ArrayBuffer {
    return this.#memory.buffer;
  }

  /** Makes room for the record of a slot, and returns where it begins. */
  reserve(slot: number): number {
    const at = this.recordsAt + slot * this.stride;
    const pages = this.#memory.buffer.byteLength / pageBytes;
    const missing = Math.ceil((at + this.stride) / pageBytes) - pages;
    // Growing copies nothing, but replaces the buffer that existing views use. The memory grows by at least a quarter, so this is rare.
    const room = this.#lastPage - pages;
    if (missing > 0) this.#memory.grow(Math.max(missing, Math.min(Math.ceil(pages / 4), room)));
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
