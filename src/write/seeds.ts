const seedBytes = 16;
// To ask for a few bytes costs as much as to ask for many.
const seedsAtOnce = 256;

/** Random seeds, one for each command. */
export class Seeds {
  readonly #randomBytes: (length: number) => Uint8Array;
  #bytes: Uint8Array = new Uint8Array();
  #taken = 0;

  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  next(): Uint8Array {
    if (this.#taken === this.#bytes.length) {
      this.#bytes = this.#randomBytes(seedBytes * seedsAtOnce);
      this.#taken = 0;
    }
    this.#taken += seedBytes;
    return this.#bytes.subarray(this.#taken - seedBytes, this.#taken);
  }
}
