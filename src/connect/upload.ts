/** The error that ends an upload if the client disconnects or the store closes before all items have arrived. */
export const uploadInterrupted = new Error('The upload ended before all of its items arrived.');

/** Items that a client sends in several messages. The client sends the next message when the items before it were consumed. */
export class Upload implements AsyncIterable<unknown> {
  #items: readonly unknown[] = [];
  #consumed = 0;
  #received = 0;
  #isComplete = false;
  #hasEnded = false;
  #onItems: (() => void) | undefined;
  #onConsumed: (() => void) | undefined;

  /**
   * Takes items, starting with item number `from`. Items that already arrived are ignored. When the items were consumed, it resolves to
   * the number of the next item that is needed. After the last items it waits until the upload has ended, and resolves to undefined.
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

  /** Ends the upload, because no more items are needed or no more will arrive. */
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
