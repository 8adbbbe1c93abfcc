import type { Probes } from '../erasure/probes';

/** What this process keeps of the erasures that are not complete. Nothing of it is on disk. */
export class ErasureWork {
  /** What the erased memories contained, by the id of the erasure. */
  readonly probes = new Map<string, Probes>();
  /** The entry of the cluster's log after which nothing of an erasure is left, by the id of the erasure. */
  readonly entries = new Map<string, number>();
  /** Writes the files of a node again after it has applied an erasure of another node. Set for the nodes of a cluster. */
  onEnded: (() => Promise<unknown>) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;

  /** Runs one after the other: two at once would find what the other one has yet to remove. */
  run<T>(work: () => Promise<T>): Promise<T> {
    this.#running++;
    const running = this.#last.then(work).finally(() => this.#running--);
    this.#last = running.catch(() => undefined);
    return running;
  }

  /** An erasure has ended. That of this node goes on to write the files again by itself. */
  ended(): void {
    const { onEnded } = this;
    if (onEnded !== undefined && this.#running === 0) void this.run(onEnded).catch(() => undefined);
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    this.onEnded = undefined;
    await this.#last;
  }
}
