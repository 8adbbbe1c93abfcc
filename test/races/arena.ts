import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Declaration, MemoryStore } from 'multi-agent-memory';
import type { Library } from '../worlds/library';
import { Gates } from './gates';

/** A store with gates that can hold calls. It counts moments, so that the order of events is known. */
export class Arena {
  readonly store: MemoryStore;
  readonly gates: Gates;
  /** The moment of the latest commit that changed each memory, by id. */
  readonly committed = new Map<string, number>();
  readonly #library: Library;
  readonly #folder: string | undefined;
  #now = 0;

  private constructor(library: Library, store: MemoryStore, gates: Gates, folder: string | undefined) {
    this.#library = library;
    this.store = store;
    this.gates = gates;
    this.#folder = folder;
    store.on('committed', ({ ids }) => {
      const now = this.tick();
      for (const id of ids) this.committed.set(id, now);
    });
  }

  /** @param reads How reads are recorded in the audit. With 'durable', answers wait for a commit. */
  static async inMemory(library: Library, reads: 'durable' | 'batched'): Promise<Arena> {
    const gates = new Gates();
    const store = await library.inMemory({ embedder: gates.embedder(), audit: { reads } });
    return new Arena(library, store, gates, undefined);
  }

  static async inFolder(library: Library): Promise<Arena> {
    const gates = new Gates();
    const folder = await mkdtemp(join(tmpdir(), 'races-'));
    return new Arena(library, await library.open(folder, { embedder: gates.embedder() }), gates, folder);
  }

  get canOpenAgain(): boolean {
    return this.#folder !== undefined;
  }

  /** Returns a new moment, which is later than all moments before it. */
  tick(): number {
    return ++this.#now;
  }

  /** Opens the folder a second time, with other rules. */
  async declare(access: readonly Declaration[]): Promise<void> {
    const again = await this.#library.open(this.#folder as string, { access });
    await again.close();
  }

  /** Closes the store. Throws if a record passed the access filter of a query and only the second check stopped it. */
  async close(): Promise<void> {
    const { recheckRejected } = await this.store.stats();
    await this.store.close();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
    if (recheckRejected > 0) throw new Error(`recheckRejected: ${recheckRejected}`);
  }
}
