import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { HostStore } from '../../connect/server-operations';
import { StoreServer } from '../../connect/store-server';
import { invalidInput } from '../../domain/errors';
import type { Options } from '../open-options';
import { assertAccepted, batched, openFolder } from './compose';
import { declareRules } from './declare';
import type { Engine } from './engine';

interface Shared {
  readonly engine: Promise<Engine>;
  users: number;
  holder?: Promise<StoreServer>;
}

/** A part in an engine. */
export interface Share {
  readonly engine: Engine;
  /** Serves the folder to other processes, until the last part is given back. */
  serve(host: HostStore): Promise<void>;
  release(): Promise<void>;
}

/** The engines of this process that own a folder, by the folder's real path. */
const owners = new Map<string, Shared>();
const closing = new Map<string, Promise<void>>();

/**
 * Opens a folder once in a process: who opens it again shares the engine, and the last to close closes it. Rules declared by a
 * later `open` take the place of the earlier ones. Stores that only read have an engine each.
 */
export async function openShared(folder: string, options: Options): Promise<Share> {
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) {
    throw invalidInput([{ path: ['folder'], message: 'must be the path of a folder.' }]);
  }
  options.signal?.throwIfAborted();
  if (options.readOnly) {
    const engine = await openFolder(resolve(folder), options);
    return { engine, serve: refuse, release: () => engine.close() };
  }
  return share(realPath(folder), options);
}

async function share(path: string, options: Options): Promise<Share> {
  await closing.get(path);
  const known = owners.get(path);
  const shared = known ?? { engine: openFolder(path, options), users: 0 };
  owners.set(path, shared);
  shared.users++;
  const release = () => leave(path, shared);
  try {
    const engine = await shared.engine;
    if (known !== undefined) await joinEngine(engine, options);
    return { engine, serve: (host) => serve(path, shared, engine, host), release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function serve(path: string, shared: Shared, engine: Engine, host: HostStore): Promise<void> {
  shared.holder ??= StoreServer.open(path, engine, host);
  try {
    await shared.holder;
  } catch (error) {
    delete shared.holder;
    throw error;
  }
}

async function refuse(): Promise<never> {
  throw new Error('A store that is only read serves nobody.');
}

/** What a later `open` may still decide. */
async function joinEngine(engine: Engine, { embedder, access }: Options): Promise<void> {
  if (embedder !== undefined) {
    assertAccepted(engine.embedder, embedder);
    engine.embedder.use(batched(embedder));
  }
  if (access !== undefined) await declareRules(engine, access);
}

async function leave(path: string, shared: Shared): Promise<void> {
  shared.users--;
  if (shared.users > 0 || owners.get(path) !== shared) return;
  owners.delete(path);
  const closed = shared.engine.then(
    async (engine) => {
      await (await shared.holder)?.close();
      await engine.close();
    },
    // It never opened: who opened it knows.
    () => undefined,
  );
  closing.set(path, closed);
  await closed.finally(() => closing.delete(path));
}

/** The one path that names a folder, whichever links lead to it. */
function realPath(folder: string): string {
  const path = resolve(folder);
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  // Of a folder that is yet to be made, as far as there is one.
  return parent === path ? path : join(realPath(parent), basename(path));
}
