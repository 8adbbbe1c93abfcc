const headerBytes = 4;

/** The other side sent something that the protocol does not allow. The connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** A message on the wire: its length in bytes (32 bits, big-endian), then its JSON in UTF-8. */
export function encodeFrame(json: string): Buffer {
  const bytes = Buffer.byteLength(json);
  const frame = Buffer.allocUnsafe(headerBytes + bytes);
  frame.writeUInt32BE(bytes);
  frame.write(json, headerBytes);
  return frame;
}

/** Reads messages from the bytes that arrive, which may be split anywhere. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /**
   * The next message, or undefined until all its bytes have arrived.
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
