import type { Memory, MemoryStore } from 'multi-agent-memory';
import type { Revision } from './model';

/** Everything that a store returns of the memories of the lanes, read once. */
export class Seen {
  /** The memories by id, including superseded ones. */
  readonly memories: ReadonlyMap<string, Memory>;
  readonly #store: MemoryStore;
  readonly #byToken: ReadonlyMap<unknown, Memory>;

  private constructor(store: MemoryStore, memories: readonly Memory[]) {
    this.#store = store;
    this.memories = new Map(memories.map((memory) => [memory.id, memory]));
    this.#byToken = new Map(memories.map((memory) => [memory.metadata.token, memory]));
  }

  static async of(store: MemoryStore): Promise<Seen> {
    const memories: Memory[] = [];
    for await (const memory of store.admin.list({ include: ['superseded', 'expired'], limit: 1000 }))
      memories.push(memory);
    return new Seen(store, memories);
  }

  /** The memory whose current text is this content. */
  holding(token: string): Memory | undefined {
    return this.#byToken.get(token);
  }

  /** The revisions of a memory that is not forgotten, oldest first. */
  async revisions(id: string): Promise<Revision[]> {
    const history = await this.#store.admin.history(id);
    return history.map(({ memory }) => ({ token: String(memory?.metadata.token), supersededBy: memory?.supersededBy }));
  }
}
