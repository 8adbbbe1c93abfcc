interface Waiter {
  readonly upTo: number;
  resolve(): void;
}

/** Numbers calls in their order, and tells when all calls up to a moment have ended, in whatever order they end. */
export class SettledSequence {
  #last = 0;
  /** All calls up to this one have ended. */
  #settled = 0;
  readonly #endedEarly = new Set<number>();
  #waiters: Waiter[] = [];

  /** A call begins. Returns its number. */
  begin(): number {
    return ++this.#last;
  }

  /** A call has ended. */
  end(number: number): void {
    this.#endedEarly.add(number);
    while (this.#endedEarly.delete(this.#settled + 1)) this.#settled++;
    // The waiters stand in the order of their numbers.
    while (this.#waiters[0] !== undefined && this.#waiters[0].upTo <= this.#settled) this.#waiters.shift()?.resolve();
  }

  /** Resolves when all calls that have begun by now have ended. Undefined if they have. */
  settled(): Promise<void> | undefined {
    const upTo = this.#last;
    if (this.#settled === upTo) return undefined;
    return new Promise((resolve) => void this.#waiters.push({ upTo, resolve }));
  }
}
