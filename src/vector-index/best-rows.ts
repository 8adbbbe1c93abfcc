import type { VectorCandidate } from './vector-index';

/** The best `limit` rows of all that are offered, whatever their order: a heap whose root is the worst that is kept. */
export class BestRows {
  readonly #limit: number;
  readonly #rows: Uint32Array;
  readonly #estimates: Float64Array;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#rows = new Uint32Array(limit);
    this.#estimates = new Float64Array(limit);
  }

  /** A row may be offered once. Of equal estimates the lower row is the better. */
  offer(row: number, estimate: number): void {
    if (this.#size < this.#limit) {
      this.#rise(this.#size++, row, estimate);
    } else if (this.#limit > 0 && estimate >= (this.#estimates[0] as number) && this.#isWorse(0, row, estimate)) {
      this.#sink(row, estimate);
    }
  }

  /** Best first. */
  candidates(): VectorCandidate[] {
    return Array.from({ length: this.#size }, (_, i) => ({
      row: this.#rows[i] as number,
      estimate: this.#estimates[i] as number,
    })).sort(byEstimate);
  }

  #isWorse(at: number, row: number, estimate: number): boolean {
    const kept = this.#estimates[at] as number;
    return kept < estimate || (kept === estimate && (this.#rows[at] as number) > row);
  }

  #rise(from: number, row: number, estimate: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // A parent must be worse than its children: one that is not goes down.
      if (this.#isWorse(parent, row, estimate)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, row, estimate);
  }

  #sink(row: number, estimate: number): void {
    let at = 0;
    for (let child = 1; child < this.#size; child = 2 * at + 1) {
      const sibling = child + 1;
      if (
        sibling < this.#size &&
        this.#isWorse(sibling, this.#rows[child] as number, this.#estimates[child] as number)
      ) {
        child = sibling;
      }
      if (!this.#isWorse(child, row, estimate)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, row, estimate);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#rows[from] as number, this.#estimates[from] as number);
  }

  #put(at: number, row: number, estimate: number): void {
    this.#rows[at] = row;
    this.#estimates[at] = estimate;
  }
}

/** Best first: by descending estimate, then by ascending row. */
export function byEstimate(a: VectorCandidate, b: VectorCandidate): number {
  return b.estimate - a.estimate || a.row - b.row;
}
