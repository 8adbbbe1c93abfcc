/** Why an upload ends that its holder cannot wait for. */
export const broken = new Error('The items stopped coming.');

/**
 * Items that another process sends part by part, as they are asked for. Its source is read no faster than the items are taken.
 */
export class Upload implements AsyncIterable<unknown> {
  #queue: readonly unknown[] = [];
  #taken = 0;
  #received = 0;
  #isComplete = false;
  #isOver = false;
  #onMore: (() => void) | undefined;
  #onWanted: (() => void) | undefined;

  /**
   * Takes a part that begins with the item of that number. Resolves, when more is wanted, with the number of the item that is wanted
   * next; after the last one, when what they are for is done, with undefined.
   */
  async push(from: number, items: readonly unknown[], isLast: boolean): Promise<number | undefined> {
    if (from === this.#received && !this.#isComplete) {
      this.#queue = items;
      this.#taken = 0;
      this.#received += items.length;
      this.#isComplete = isLast;
      this.#onMore?.();
    }
    while (!this.#isOver && (this.#isComplete || this.#taken < this.#queue.length)) {
      await new Promise<void>((resolve) => {
        this.#onWanted = resolve;
      });
    }
    return this.#isOver ? undefined : this.#received;
  }

  /** Nothing more is wanted, or will come. */
  end(): void {
    this.#isOver = true;
    this.#onMore?.();
    this.#onWanted?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    for (;;) {
      while (this.#taken < this.#queue.length) yield this.#queue[this.#taken++];
      if (this.#isComplete) return;
      if (this.#isOver) throw broken;
      const more = new Promise<void>((resolve) => {
        this.#onMore = resolve;
      });
      this.#onWanted?.();
      await more;
    }
  }
}
