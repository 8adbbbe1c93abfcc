import { setMaxListeners } from 'node:events';
import { MemoryError } from '../domain/errors';
import { fromSqlite } from '../sqlite/sqlite';

/** One store from `open` to `close`: runs its calls, rejects calls after `close`, and lets `close` wait for writes. */
export class Lifetime {
  readonly #ending = new AbortController();
  readonly #writes = new ActiveCalls();

  constructor() {
    // Every running call listens to this signal. With the default limit, Node would warn about a possible leak.
    setMaxListeners(0, this.#ending.signal);
  }

  /** The signal that is aborted with STORE_CLOSED when the store closes. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** @throws STORE_CLOSED */
  assertOpen(): void {
    if (this.#ending.signal.aborted) throw closed();
  }

  /** Runs a read. If the store closes during the read, the promise rejects with STORE_CLOSED. */
  async read<T>(run: () => T | Promise<T>): Promise<T> {
    this.assertOpen();
    try {
      return await run();
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  /** Runs a write. `close` waits until the write has ended. */
  write<T>(run: () => Promise<T>): Promise<T> {
    return this.#writes.run(() => this.read(run));
  }

  /** Rejects all later calls, and waits for the writes that are running. */
  async end(): Promise<void> {
    this.#ending.abort(closed());
    await this.#writes.idle();
  }
}

function closed(): MemoryError {
  return new MemoryError('STORE_CLOSED', 'The store is closed. Open it again, and make new handles from it.');
}

/**
 * Runs each step of a close, in order, even if an earlier step has failed: what a later step releases, such as the lock of a folder, must
 * not stay held.
 *
 * @throws the error of the first step that failed
 */
export async function closeInOrder(...steps: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** Counts the calls of one kind that run. */
export class ActiveCalls {
  #count = 0;
  #idle: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  async run<T>(call: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      return await call();
    } finally {
      this.#count--;
      if (this.#count === 0) {
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }

  /** Resolves when no call runs. Undefined if none runs now. */
  idle(): Promise<void> | undefined {
    if (this.#count === 0) return undefined;
    if (this.#idle === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((resolved) => {
        resolve = resolved;
      });
      this.#idle = { promise, resolve };
    }
    return this.#idle.promise;
  }
}
