import { setImmediate } from 'node:timers/promises';
import { type MemoryChange, MemoryError, type MemoryHandle } from 'multi-agent-memory';

/** Returns the result of a call, or its error, as text. Two texts are equal only if the caller learned exactly the same. */
export async function told(call: () => PromiseLike<unknown> | unknown): Promise<string> {
  try {
    return JSON.stringify(await call()) ?? 'undefined';
  } catch (error) {
    return refusalOf(error);
  }
}

function refusalOf(error: unknown): string {
  if (!MemoryError.is(error)) throw error;
  const { code, message, retryable, issues } = error;
  return JSON.stringify({ refused: { code, message, retryable, issues } });
}

/** A watch that the tests read in steps: each step takes the changes that have arrived so far. */
export class Listener {
  readonly #changes: AsyncIterator<MemoryChange>;
  readonly #turns: number;
  readonly #end = new AbortController();
  #next: Promise<IteratorResult<MemoryChange>> | undefined;

  constructor(handle: MemoryHandle, since: string, turns = 1) {
    this.#turns = turns;
    this.#changes = handle.watch({ since, signal: this.#end.signal })[Symbol.asyncIterator]();
  }

  /** Returns all changes that the watch can deliver now. */
  async heard(): Promise<MemoryChange[]> {
    const changes: MemoryChange[] = [];
    for (;;) {
      this.#next ??= this.#changes.next();
      // A change that exists arrives without a turn of the event loop, or within the turns that a connection needs.
      const change = await Promise.race([this.#next, pass(this.#turns)]);
      if (change === undefined) return changes;
      this.#next = undefined;
      if (change.done === true) return changes;
      changes.push(change.value);
    }
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#next;
  }
}

/** Returns all changes that a watch delivers from `since` until now. */
export async function heardSince(handle: MemoryHandle, since: string, turns = 1): Promise<MemoryChange[]> {
  const listener = new Listener(handle, since, turns);
  try {
    return await listener.heard();
  } finally {
    await listener.close();
  }
}

async function pass(turns: number): Promise<undefined> {
  for (let i = 0; i < turns; i++) await setImmediate();
  return undefined;
}
