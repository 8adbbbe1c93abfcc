const headerBytes = 4;

/** Says that the other side has violated the protocol. The connection is then closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** Encodes a message as a frame: the length in bytes (32 bits, big-endian), then the JSON in UTF-8. */
export function encodeFrame(json: string): Buffer {
  const bytes = Buffer.byteLength(json);
  const frame = Buffer.allocUnsafe(headerBytes + bytes);
  frame.writeUInt32BE(bytes);
  frame.write(json, headerBytes);
  return frame;
}

/** Splits the bytes that arrive into messages. The bytes may arrive in pieces of any length. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /**
   * Returns the next message, or undefined if not all its bytes have arrived yet.
   *
   * @throws ProtocolError if the message is longer than `maxBytes` or is not JSON
   */
  next(maxBytes: number): unknown {
    if (this.#bytes < headerBytes) return undefined;
    if ((this.#chunks[0] as Buffer).length < headerBytes) this.#join();
    const first = this.#chunks[0] as Buffer;
    const bytes = first.readUInt32BE();
    if (bytes > maxBytes) throw new ProtocolError(`A message has ${bytes} bytes; at most ${maxBytes} are allowed.`);
    const end = headerBytes + bytes;
    if (this.#bytes < end) return undefined;
    if (first.length < end) this.#join();
    const joined = this.#chunks[0] as Buffer;
    const json = joined.toString('utf8', headerBytes, end);
    if (joined.length === end) this.#chunks.shift();
    else this.#chunks[0] = joined.subarray(end);
    this.#bytes -= end;
    return parseJson(json);
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks, this.#bytes)];
  }
}

/** @throws ProtocolError */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) ?? null;
  } catch {
    throw new ProtocolError('A message is not JSON.');
  }
}
