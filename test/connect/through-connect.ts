import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as library from 'multi-agent-memory';
import type { MemoryStore, OpenOptions } from 'multi-agent-memory';
import { StoreServer } from '../../src/connect/store-server';
import { openInMemory } from '../../src/store/composition/compose';
import type { Engine } from '../../src/store/composition/engine';
import { parseOptions } from '../../src/store/open-options';

type StoreOf = new (engine: Engine, release: () => Promise<void>) => MemoryStore;

/**
 * The library with a `MemoryStore` whose `open` and `inMemory` answer with a connected store: so that specifications of a store
 * are asked of one that lies at the other end of a socket. The holder is in the same process.
 */
export function throughConnect(original: typeof library): typeof library {
  const { MemoryStore: Original } = original;
  class Connecting extends (Original as unknown as new () => object) {
    static async open(folder: string, options: OpenOptions = {}): Promise<MemoryStore> {
      const given = options as OpenOptions | null;
      if (given?.readOnly === true || typeof given !== 'object') return Original.open(folder, options);
      return connected(await Original.open(folder, { ...options, serve: true }), folder, async () => undefined);
    }

    static async inMemory(options: OpenOptions = {}): Promise<MemoryStore> {
      const engine = await openInMemory(parseOptions(options));
      const local = new (Original as unknown as StoreOf)(engine, () => engine.close());
      // Of its folder there is nothing but where to meet.
      const folder = await mkdtemp(join(tmpdir(), 'mam-connect-'));
      const holder = await StoreServer.open(folder, engine, local);
      return connected(local, folder, async () => {
        await holder.close();
        await rm(folder, { recursive: true, force: true });
      });
    }

    static readonly connect = Original.connect.bind(Original);
  }
  const connected = async (local: MemoryStore, folder: string, leave: () => Promise<void>): Promise<MemoryStore> => {
    const remote = await Original.connect(folder);
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= remote
        .close()
        .then(leave)
        .then(() => local.close());
      return closing;
    };
    const store = {
      ...{ admin: remote.admin, audit: remote.audit },
      as: remote.as.bind(remote),
      settled: remote.settled.bind(remote),
      backup: remote.backup.bind(remote),
      verify: remote.verify.bind(remote),
      stats: remote.stats.bind(remote),
      // Events are the holder's own.
      on: local.on.bind(local),
      close,
      [Symbol.asyncDispose]: close,
    };
    return store as unknown as MemoryStore;
  };
  return { ...original, MemoryStore: Connecting as unknown as typeof MemoryStore };
}
