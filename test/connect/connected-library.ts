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
 * The library with a `MemoryStore` whose `open` and `inMemory` return connected stores, so that the tests of a store run over a
 * socket. The store is served by the same process.
 */
export function connectedLibrary(original: typeof library): typeof library {
  const { MemoryStore: Original } = original;
  class ConnectingStore extends (Original as unknown as new () => object) {
    static async open(folder: string, options: OpenOptions = {}): Promise<MemoryStore> {
      const isReadOnly = (options as OpenOptions | null)?.readOnly === true;
      if (isReadOnly || typeof options !== 'object') return Original.open(folder, options);
      return connected(await Original.open(folder, { ...options, serve: true }), folder, async () => undefined);
    }

    static async inMemory(options: OpenOptions = {}): Promise<MemoryStore> {
      const engine = await openInMemory(parseOptions(options));
      const local = new (Original as unknown as StoreOf)(engine, () => engine.close());
      // The folder holds only the address and the socket.
      const folder = await mkdtemp(join(tmpdir(), 'mam-connect-'));
      const server = await StoreServer.open(folder, engine, local);
      return connected(local, folder, async () => {
        await server.close();
        await rm(folder, { recursive: true, force: true });
      });
    }

    static readonly connect = Original.connect.bind(Original);
  }
  const connected = async (local: MemoryStore, folder: string, cleanUp: () => Promise<void>): Promise<MemoryStore> => {
    const remote = await Original.connect(folder);
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= remote
        .close()
        .then(cleanUp)
        .then(() => local.close());
      return closing;
    };
    const store = {
      admin: remote.admin,
      audit: remote.audit,
      as: remote.as.bind(remote),
      settled: remote.settled,
      backup: remote.backup,
      snapshot: remote.snapshot,
      purge: remote.purge,
      hold: remote.hold.bind(remote),
      verify: remote.verify,
      stats: remote.stats,
      position: remote.position,
      cluster: remote.cluster,
      // A connected store has no events.
      on: local.on.bind(local),
      close,
      [Symbol.asyncDispose]: close,
    };
    return store as unknown as MemoryStore;
  };
  return { ...original, MemoryStore: ConnectingStore as unknown as typeof MemoryStore };
}
