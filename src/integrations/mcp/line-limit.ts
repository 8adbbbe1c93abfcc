import { Transform, type TransformCallback } from 'node:stream';

const newline = 0x0a;

/**
 * Passes on lines up to a maximum length. For a longer line it emits `too-long` instead. Blank lines are dropped. The last line needs no
 * newline.
 */
export class LineLimit extends Transform {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    super();
    this.#maxBytes = maxBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      this.#append(chunk.subarray(start, end));
      this.#endLine();
      start = end + 1;
    }
    this.#append(chunk.subarray(start));
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#bytes > 0) this.#endLine();
    done();
  }

  #append(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes <= this.#maxBytes) this.#parts.push(part);
    else this.#parts = [];
  }

  #endLine(): void {
    const line = Buffer.concat([...this.#parts, Buffer.from([newline])]);
    const isTooLong = this.#bytes > this.#maxBytes;
    this.#parts = [];
    this.#bytes = 0;
    if (isTooLong) this.emit('too-long');
    else if (line.toString().trim() !== '') this.push(line);
  }
}
