/** A small deterministic generator of numbers (xorshift of 32 bits). It only spreads time-outs, so it need not be a good one. */
export class Generator {
  #state: number;

  constructor(seed: number) {
    // Both halves of the seed count. Multiplying by an odd number spreads neighbouring seeds; zero would stay zero for ever.
    const mixed = Math.imul((seed % 2 ** 32) ^ Math.trunc(seed / 2 ** 32), 0x9e3779b1) | 0;
    this.#state = mixed === 0 ? 1 : mixed;
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }
}
