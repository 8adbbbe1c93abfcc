/** Ends an upload whose client has disconnected, or whose store is closing, before all items arrived. */
export const uploadInterrupted = new Error('The upload ended before all of its items arrived.');

/** Items that a client sends in several messages, each when the items before it were consumed. */
export class Upload implements AsyncIterable<unknown> {
  #items: readonly unknown[] = [];
  #consumed = 0;
  #received = 0;
  #isComplete = false;
  #hasEnded = false;
  #onItems: (() => void) | undefined;
  #onConsumed: (() => void) | undefined;

  /**
   * Takes items, the first of which is item number `from`. Resolves when they are consumed, to the number of the item that is
   * needed next; after the last items, when the upload has ended, to undefined. Items that arrived before are ignored.
   */
  async push(from: number, items: readonly unknown[], isLast: boolean): Promise<number | undefined> {
    if (from === this.#received && !this.#isComplete) {
      this.#items = items;
      this.#consumed = 0;
      this.#received += items.length;
      this.#isComplete = isLast;
      this.#onItems?.();
    }
    while (!this.#hasEnded && (this.#isComplete || this.#consumed < this.#items.length)) {
      await new Promise<void>((resolve) => {
        this.#onConsumed = resolve;
      });
    }
    return this.#hasEnded ? undefined : this.#received;
  }

  /** Ends the upload: no more items are needed, or none will arrive. */
  end(): void {
    this.#hasEnded = true;
    this.#onItems?.();
    this.#onConsumed?.();
  }

  /** @throws uploadInterrupted */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    for (;;) {
      while (this.#consumed < this.#items.length) yield this.#items[this.#consumed++];
      if (this.#isComplete) return;
      if (this.#hasEnded) throw uploadInterrupted;
      const arrived = new Promise<void>((resolve) => {
        this.#onItems = resolve;
      });
      this.#onConsumed?.();
      await arrived;
    }
  }
}
