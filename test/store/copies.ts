import type * as library from 'multi-agent-memory';
import type { MemoryStore, OpenOptions } from 'multi-agent-memory';
import { vi } from 'vitest';
import type { Engine } from '../../src/store/composition/engine';

type StoreOf = new (engine: Engine, release: () => Promise<void>) => MemoryStore;

/** Evaluates the library again, as a development server does after a change. */
export async function secondCopy(): Promise<typeof library> {
  vi.resetModules();
  return vi.importActual<typeof library>('multi-agent-memory');
}

/**
 * The library with a `MemoryStore` of a second copy over an engine that the first copy has opened, so that the tests of a store show
 * that the two fit each other.
 */
export async function libraryInTwoCopies(first: typeof library): Promise<typeof library> {
  const { openInMemory } = await import('../../src/store/composition/compose');
  const second = await secondCopy();
  if (second.MemoryStore === first.MemoryStore) throw new Error('The second copy is the first one.');
  const { parseOptions } = await import('../../src/store/open-options');
  const Second = second.MemoryStore as unknown as StoreOf;
  class SharingStore extends (second.MemoryStore as unknown as new () => object) {
    static async open(folder: string, options: OpenOptions = {}): Promise<MemoryStore> {
      const owner = await first.MemoryStore.open(folder, options);
      const store = await second.MemoryStore.open(folder, options).catch(async (error) => {
        await owner.close();
        throw error;
      });
      const close = store.close.bind(store);
      store.close = async () => {
        await owner.close();
        await close();
      };
      return store;
    }

    static async inMemory(options: OpenOptions = {}): Promise<MemoryStore> {
      const engine = await openInMemory(parseOptions(options));
      return new Second(engine, () => engine.close());
    }

    static readonly connect = second.MemoryStore.connect.bind(second.MemoryStore);
  }
  return { ...second, MemoryStore: SharingStore as unknown as typeof MemoryStore };
}
