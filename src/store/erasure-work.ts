import type { Probes } from '../erasure/probes';

/** What this process keeps of the erasures that are not complete. Nothing of it is on disk. */
export class ErasureWork {
  /** What the erased memories contained, by the id of the erasure. */
  readonly probes = new Map<string, Probes>();
  #last: Promise<unknown> = Promise.resolve();

  /** Runs one after the other: two at once would find what the other one has yet to remove. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#last.then(work);
    this.#last = running.catch(() => undefined);
    return running;
  }
}
