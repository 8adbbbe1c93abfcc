import { crc32c } from '../../domain/crc32c';
import { ByteWriter } from '../../log/codec/byte-writer';

/** The maximum length of a frame, with its type. An append with one entry of 8 MB fits. */
export const maxWireBytes = 9 * 2 ** 20;

const lengthBytes = 4;
const headerBytes = lengthBytes + 4;
const emptyHeader = new Uint8Array(headerBytes);
// The type, and what a message has beside its entries.
const spareBytes = 1_024;

/** What a frame contains. The numbers are part of the protocol and never change. */
export const frameType = {
  hello: 1,
  challenge: 2,
  proof: 3,
  verdict: 4,
  refusal: 5,
  ping: 6,
  message: 7,
  request: 8,
  answer: 9,
  offer: 10,
  owned: 11,
  chunk: 12,
  end: 13,
  taken: 14,
} as const;

/** A frame that has arrived and whose checksum is right. */
export interface WireFrame {
  readonly type: number;
  /** Valid until the next frame is read. */
  readonly body: Uint8Array;
}

/** Says that the other side has sent bytes that this protocol does not allow. The connection is then closed. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/**
 * Makes a frame: the length of type and body (32 bits, little-endian), their CRC32C, the type, and the body that `write` writes.
 *
 * @param bodyBytes About how long the body will be, so that it is copied only once.
 */
export function wireFrame(type: number, write: (to: ByteWriter) => void, bodyBytes = 0): Buffer {
  const to = new ByteWriter(headerBytes + maxWireBytes, headerBytes + bodyBytes + spareBytes);
  to.raw(emptyHeader);
  to.byte(type);
  write(to);
  const frame = to.written();
  frame.writeUInt32LE(frame.length - headerBytes, 0);
  frame.writeUInt32LE(crc32c(frame.subarray(headerBytes)), lengthBytes);
  return frame;
}

/** Splits the bytes that arrive into frames. The bytes may arrive in pieces of any length. */
export class WireReader {
  /** The maximum length of the next frames. */
  maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The bytes that have arrived and are not read. */
  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /**
   * The next frame, or undefined if not all of its bytes have arrived.
   *
   * @throws WireError if the frame is too long or its checksum is wrong
   */
  next(): WireFrame | undefined {
    if (this.#bytes < headerBytes) return undefined;
    if (this.#first.length < headerBytes) this.#join();
    const length = this.#first.readUInt32LE(0);
    if (length === 0 || length > this.maxBytes)
      throw new WireError(`a frame has ${length} bytes, but 1 to ${this.maxBytes} are allowed here`);
    const end = headerBytes + length;
    if (this.#bytes < end) return undefined;
    if (this.#first.length < end) this.#join();
    const first = this.#first;
    const content = first.subarray(headerBytes, end);
    if (first.readUInt32LE(lengthBytes) !== crc32c(content)) throw new WireError('the checksum of a frame is wrong');
    if (first.length === end) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(end);
    this.#bytes -= end;
    return { type: content[0] as number, body: content.subarray(1) };
  }

  get #first(): Buffer {
    return this.#chunks[0] as Buffer;
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks, this.#bytes)];
  }
}
