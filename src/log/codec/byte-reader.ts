import { isUtf8 } from 'node:buffer';
import { MemoryError } from '../../domain/errors';

/**
 * Reads the values that `ByteWriter` has written. Accepts only the bytes that it writes for a value, so that equal values have equal bytes.
 * Reserves memory only for what the rest of the bytes can contain.
 *
 * Every method throws RECORD_DAMAGED for other bytes.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  /** The same bytes, for the native decoders of text. */
  readonly #buffer: Buffer;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // Not a Buffer, whose `slice` makes no copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  number(): number {
    const value = this.#view.getFloat64(this.#take(8), true);
    if (Number.isNaN(value)) throw damagedEntry('a number is NaN');
    return value;
  }

  /** An integer from 0 to 2^31 - 1. */
  count(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) {
        if ((byte === 0 && shift > 0) || value >= 2 ** 31) break;
        return value;
      }
    }
    throw damagedEntry('a count is not in its shortest form');
  }

  /** The number of elements that follow. Each element takes at least one byte. */
  length(): number {
    const length = this.count();
    if (length > this.#bytes.length - this.#at) throw damagedEntry('it ends too early');
    return length;
  }

  /** A copy of the next bytes. */
  raw(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  /** The next bytes in hexadecimal digits. */
  hex(length: number): string {
    const start = this.#take(length);
    return this.#buffer.toString('hex', start, start + length);
  }

  text(): string {
    const length = this.count();
    return length % 2 === 0 ? this.#utf8(length / 2) : this.#utf16((length - 1) / 2);
  }

  /** @throws RECORD_DAMAGED if bytes are left */
  end(): void {
    if (this.#at !== this.#bytes.length) throw damagedEntry('bytes follow its end');
  }

  #utf8(length: number): string {
    const start = this.#take(length);
    const text = this.#buffer.toString('utf8', start, start + length);
    // The decoder puts this character in the place of bytes that are not UTF-8. A check of all bytes is needed only if it is there.
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, start + length)))
      throw damagedEntry('a text is not UTF-8');
    return text;
  }

  #utf16(length: number): string {
    const start = this.#take(length);
    const text = this.#buffer.toString('utf16le', start, start + length);
    if (length % 2 === 1 || text.isWellFormed()) throw damagedEntry('a text is not in its shortest form');
    return text;
  }

  /** Takes the next bytes, and returns where they begin. */
  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw damagedEntry('it ends too early');
    this.#at = start + length;
    return start;
  }
}

/** Makes the error for bytes that this library has not written, or that have changed since then. */
export function damagedEntry(reason: string): MemoryError {
  const message = `An entry of the log is damaged: ${reason}. It cannot be applied. Restore it from another copy of the log.`;
  return new MemoryError('RECORD_DAMAGED', message);
}

/** Makes the error for an entry that a newer release has written. */
export function newerEntry(what: string): MemoryError {
  const message = `An entry of the log has ${what}, which this release does not know. Upgrade this library, then open the store again.`;
  return new MemoryError('STORE_NEWER', message);
}
