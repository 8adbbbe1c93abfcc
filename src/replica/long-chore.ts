export interface LongChoreDeps {
  /** Whether the state lacks what the chore makes. */
  isNeeded(): boolean;
  /** Does the work. It resolves also if it fails: the chore is still needed then. */
  run(): Promise<void>;
  /** Milliseconds since a fixed moment. */
  elapsedMs(): number;
}

// In that time another node may take the chore over, whose embedder may work.
const retryMs = 60_000;

/** A chore that takes longer than the lease of its node. */
export class LongChore {
  readonly #deps: LongChoreDeps;
  #isRunning = false;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(deps: LongChoreDeps) {
    this.#deps = deps;
  }

  /** Also while it runs, so that the node keeps its lease: or else another node would do the same work beside it. */
  get isDue(): boolean {
    const { isNeeded, elapsedMs } = this.#deps;
    return this.#isRunning || (elapsedMs() >= this.#notBefore && isNeeded());
  }

  /** Starts it, if it is due and does not run. */
  start(): void {
    if (this.#isRunning || !this.isDue) return;
    this.#isRunning = true;
    const { run, elapsedMs } = this.#deps;
    void run().finally(() => {
      this.#isRunning = false;
      this.#notBefore = elapsedMs() + retryMs;
    });
  }
}
