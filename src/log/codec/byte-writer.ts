import { invalidInput, type MemoryError } from '../../domain/errors';

/** The maximum number of bytes in an entry of the log. One entry is one frame. */
export const maxEntryBytes = 8 * 2 ** 20;

const firstCapacity = 4_096;
// Below this length, a loop over ASCII characters takes less time than a call of the native encoder.
const maxLoopChars = 24;

/** Writes values one after the other, and grows as needed. It refuses to grow beyond a maximum: by default the size of an entry. */
export class ByteWriter {
  readonly #maxBytes: number;
  #bytes: Buffer;
  #view: DataView;
  #at = 0;

  constructor(maxBytes = maxEntryBytes, capacity = firstCapacity) {
    this.#maxBytes = maxBytes;
    this.#bytes = Buffer.allocUnsafe(Math.min(capacity, maxBytes));
    this.#view = viewOf(this.#bytes);
  }

  /** The bytes written so far. They share memory with the writer. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** Writes 8 bytes that keep every number, also -0 and infinity. NaN has many forms, and no command contains it. */
  number(value: number): void {
    if (Number.isNaN(value)) throw new TypeError('A command contains NaN, which the log cannot keep.');
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Writes an integer from 0 to 2^31 - 1 in as few bytes as possible, with 7 bits in each. */
  count(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  /** Writes bytes without their length. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /**
   * Writes a text with its length: in UTF-8, or in UTF-16 if it has half of a surrogate pair, which UTF-8 cannot encode. The lowest bit
   * of the length says which.
   */
  text(value: string): void {
    if (value.length <= maxLoopChars && this.#shortAscii(value)) return;
    if (!value.isWellFormed()) {
      this.count(value.length * 4 + 1);
      this.#encoded(value, 'utf16le', value.length * 2);
      return;
    }
    const length = Buffer.byteLength(value);
    this.count(length * 2);
    this.#encoded(value, 'utf8', length);
  }

  #encoded(value: string, encoding: 'utf8' | 'utf16le', length: number): void {
    this.#reserve(length);
    this.#at += this.#bytes.write(value, this.#at, length, encoding);
  }

  #shortAscii(value: string): boolean {
    this.#reserve(value.length + 1);
    const start = this.#at + 1;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      this.#bytes[start + i] = code;
    }
    this.#bytes[this.#at] = value.length * 2;
    this.#at = start + value.length;
    return true;
  }

  #reserve(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#bytes.length) return;
    if (needed > this.#maxBytes) throw entryTooLong(this.#maxBytes);
    const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(needed, this.#bytes.length * 2)));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Makes the error for a command or a frame that is larger than an entry of the log may be. */
export function entryTooLong(maxBytes: number): MemoryError {
  const message = `expected at most ${maxBytes} bytes in one entry of the log, got more. Write fewer memories in one call.`;
  return invalidInput([{ path: [], message }], 'write');
}
