const headerBytes = 4;

/** Whatever came from the other side makes no sense: the connection ends. */
export class BrokenFrame extends Error {
  override readonly name = 'BrokenFrame';
}

/** A message as it goes over a connection: its length in bytes (32 bits, big-endian), then JSON as UTF-8. */
export function frameOf(message: unknown): Buffer {
  return frameOfText(JSON.stringify(message));
}

/** The same, of a message that is JSON already. */
export function frameOfText(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(headerBytes + bytes);
  frame.writeUInt32BE(bytes);
  frame.write(text, headerBytes);
  return frame;
}

/** Takes the messages out of what arrives, which may be cut anywhere. */
export class Frames {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /**
   * The next message that is there as a whole; undefined while there is none.
   *
   * @throws BrokenFrame where it would be longer than that, or is not JSON
   */
  next(maxBytes: number): unknown {
    if (this.#bytes < headerBytes) return undefined;
    if ((this.#chunks[0] as Buffer).length < headerBytes) this.#join();
    const first = this.#chunks[0] as Buffer;
    const bytes = first.readUInt32BE();
    if (bytes > maxBytes) throw new BrokenFrame(`A message of ${bytes} bytes was announced; ${maxBytes} are allowed.`);
    const end = headerBytes + bytes;
    if (this.#bytes < end) return undefined;
    if (first.length < end) this.#join();
    const joined = this.#chunks[0] as Buffer;
    const text = joined.toString('utf8', headerBytes, end);
    if (joined.length === end) this.#chunks.shift();
    else this.#chunks[0] = joined.subarray(end);
    this.#bytes -= end;
    return parsed(text);
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks, this.#bytes)];
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? null;
  } catch {
    throw new BrokenFrame('A message is not JSON.');
  }
}
