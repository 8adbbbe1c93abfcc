import { setMaxListeners } from 'node:events';
import { MemoryError } from '../domain/errors';
import { fromSqlite } from '../sqlite/sqlite';

/** From `open` to `close` of one store: what may begin, what is under way, and in which words it fails. */
export class Lifetime {
  readonly #ending = new AbortController();
  readonly #writes = new Set<Promise<unknown>>();

  constructor() {
    // As many calls as there are under way listen to it: that is no leak, of which Node would warn.
    setMaxListeners(0, this.#ending.signal);
  }

  /** Aborted, with STORE_CLOSED, when the store is closed. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** @throws STORE_CLOSED */
  assertOpen(): void {
    if (this.#ending.signal.aborted) throw closed();
  }

  /** Runs a read. A store that is closed under it makes it reject with STORE_CLOSED. */
  async read<T>(run: () => T | Promise<T>): Promise<T> {
    this.assertOpen();
    try {
      return await run();
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  /** Runs a write. The store is not closed before it has ended. */
  write<T>(run: () => Promise<T>): Promise<T> {
    const write = this.read(run);
    const ended = write.then(
      () => undefined,
      () => undefined,
    );
    this.#writes.add(ended);
    void ended.then(() => this.#writes.delete(ended));
    return write;
  }

  /** Lets nothing more begin, and waits for the writes that did. */
  async end(): Promise<void> {
    this.#ending.abort(closed());
    await Promise.all(this.#writes);
  }
}

function closed(): MemoryError {
  return new MemoryError('STORE_CLOSED', 'The store is closed: open it again, and take new handles from it.');
}
