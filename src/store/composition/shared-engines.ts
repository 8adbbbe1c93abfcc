import { version } from '../../../package.json';
import type { HostStore } from '../../connect/server-operations';
import { StoreServer } from '../../connect/store-server';
import { folderPath } from '../../domain/folder-path';
import { processWide } from '../../environment/process-wide';
import { fromSqlite } from '../../sqlite/sqlite';
import type { Options } from '../open-options';
import { assertAccepted, batched, declareRules, eraseAgain, openFolder } from './compose';
import type { Engine } from './engine';
import { realPath } from './real-path';

interface SharedEngine {
  readonly engine: Promise<Engine>;
  users: number;
  server?: Promise<StoreServer>;
}

/** One store's use of an engine. Other stores in this process may use the same engine. */
export interface EngineUse {
  readonly engine: Engine;
  /** Starts to serve the folder to other processes, until the last use is released. */
  serve(store: HostStore): Promise<void>;
  /** Ends this use. The last release closes the engine. */
  release(): Promise<void>;
}

/** The engines in this process that write to a folder, by the real path of the folder. */
interface EngineRegistry {
  readonly owners: Map<string, SharedEngine>;
  /** For each folder whose engine is closing, a promise that resolves when it has closed, even if the close failed. */
  readonly closing: Map<string, Promise<void>>;
}

// All copies of the library with the same version in this process share these maps. A copy with another version gets STORE_HELD: see `claimFolder`.
const { owners, closing } = processWide<EngineRegistry>(`engines of ${version}`, () => ({
  owners: new Map(),
  closing: new Map(),
}));

/**
 * Opens a folder only once in this process. A later `open` shares the engine with the first, and replaces the rules that the first
 * declared. A read-only store always has its own engine.
 */
export async function openShared(folder: unknown, options: Options): Promise<EngineUse> {
  const path = folderPath(folder);
  options.signal?.throwIfAborted();
  if (options.readOnly) {
    const engine = await translatedAsync(() => openFolder(path, options));
    return { engine, serve: refuseToServe, release: () => engine.close() };
  }
  return translatedAsync(() => share(realPath(path), options));
}

/** Runs a step of `open`. Converts every error from the file system to a MemoryError. */
async function translatedAsync<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw fromSqlite(error);
  }
}

async function share(path: string, options: Options): Promise<EngineUse> {
  await closing.get(path);
  const known = owners.get(path);
  const shared = known ?? { engine: openFolder(path, options), users: 0 };
  owners.set(path, shared);
  shared.users++;
  const release = () => leave(path, shared);
  try {
    const engine = await shared.engine;
    if (known !== undefined) await joinEngine(engine, options);
    return { engine, serve: (store) => serve(path, shared, engine, store), release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function serve(path: string, shared: SharedEngine, engine: Engine, store: HostStore): Promise<void> {
  shared.server ??= StoreServer.open(path, engine, store);
  try {
    await shared.server;
  } catch (error) {
    delete shared.server;
    throw fromSqlite(error);
  }
}

async function refuseToServe(): Promise<never> {
  throw new Error('A read-only store cannot serve other processes.');
}

/** Applies the options of a later `open`. */
async function joinEngine(engine: Engine, options: Options): Promise<void> {
  const { embedder, access, accessVersion } = options;
  if (embedder !== undefined) {
    assertAccepted(engine.embedder, embedder);
    engine.embedder.use(batched(embedder, engine.memoryShares.embeddings));
  }
  await eraseAgain(engine, options, false);
  if (access !== undefined) await declareRules(engine, access, accessVersion);
}

async function leave(path: string, shared: SharedEngine): Promise<void> {
  shared.users--;
  if (shared.users > 0 || owners.get(path) !== shared) return;
  owners.delete(path);
  const closed = closeEngine(shared).finally(() => closing.delete(path));
  // Only the caller of this close gets its error. The next `open` waits, and then opens the folder again.
  closing.set(
    path,
    closed.catch(() => undefined),
  );
  await closed;
}

async function closeEngine(shared: SharedEngine): Promise<void> {
  // If the engine failed to open, `open` has already thrown the error.
  const engine = await shared.engine.catch(() => undefined);
  try {
    await (await shared.server)?.close();
  } finally {
    await engine?.close();
  }
}
