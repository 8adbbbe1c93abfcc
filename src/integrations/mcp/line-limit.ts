import { Transform, type TransformCallback } from 'node:stream';

const newline = 0x0a;

/** Passes lines on, without those that are too long: of each of them it emits 'too-long'. The last line needs no end. */
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
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, start)) {
      this.#keep(chunk.subarray(start, at));
      this.#finishLine();
      start = at + 1;
    }
    this.#keep(chunk.subarray(start));
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#bytes > 0) this.#finishLine();
    done();
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes <= this.#maxBytes) this.#parts.push(part);
    else this.#parts = [];
  }

  #finishLine(): void {
    const line = Buffer.concat([...this.#parts, Buffer.from([newline])]);
    const [bytes, maxBytes] = [this.#bytes, this.#maxBytes];
    this.#parts = [];
    this.#bytes = 0;
    if (bytes > maxBytes) this.emit('too-long');
    // An empty line is no message, and no mistake.
    else if (line.toString().trim() !== '') this.push(line);
  }
}
