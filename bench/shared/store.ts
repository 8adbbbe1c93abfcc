import { constants } from 'node:fs';
import { access, cp, mkdtemp, open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allow, MemoryStore, type OpenOptions } from 'multi-agent-memory';
import { givenVectors, memoryOf, type Ticket } from './corpus';
import type { Setting } from './question';
import { scopedMemoryOf } from './scopes';
import { calm, milliseconds } from './timing';
import { Vectors } from './vectors';

/** The figures of filling the store of a run. */
export interface Imported {
  readonly memories: number;
  readonly importMs: number;
  /** Milliseconds from the last acknowledgement until the indexes were up to date. */
  readonly settleMs: number;
}

/** Opens a store of the benchmark. Everyone may read and write in `support`. */
export function openStore(folder: string, options: OpenOptions<Ticket> = {}): Promise<MemoryStore<Ticket>> {
  const rules = options.readOnly ? {} : { access: [allow('everyone', 'writer', ['support'])] };
  return MemoryStore.open<Ticket>(folder, { embedder: givenVectors, ...rules, ...options });
}

/** The labels of the memories of a loaded store: the teams of `support`, or many label sets. */
export type Places = 'teams' | 'scopes';

/** The folder of a closed store with all memories. */
async function loadedFolder(setting: Setting, places: Places): Promise<string> {
  const folder = `${setting.loaded}-${places}`;
  if (!(await exists(folder))) await load(setting, places, folder);
  return folder;
}

/** Copies the loaded store for a question. The copy is flushed to disk first, so that the measurement does not include that work. */
export async function copyOfLoaded(setting: Setting, places: Places = 'teams'): Promise<string> {
  const folder = await mkdtemp(join(setting.folder, 'copy-'));
  const loaded = await loadedFolder(setting, places);
  await cp(loaded, folder, { recursive: true, mode: constants.COPYFILE_FICLONE });
  await synced(folder);
  await calm();
  return folder;
}

/** The figures of filling the loaded store. */
export async function importFigures(setting: Setting): Promise<Imported> {
  return JSON.parse(await readFile(join(await loadedFolder(setting, 'teams'), figures), 'utf8'));
}

const figures = 'import.json';

async function load({ memories, folder }: Setting, places: Places, loaded: string): Promise<void> {
  const unfinished = await mkdtemp(join(folder, 'loading-'));
  const vectors = new Vectors(memories);
  const itemOf = places === 'teams' ? memoryOf : scopedMemoryOf;
  const items = Array.from({ length: memories }, (_, ticket) => itemOf(vectors, ticket));
  await calm();
  const store = await openStore(unfinished);
  const importer = places === 'teams' ? store.as({ serviceId: 'import' }) : store.admin;
  const importMs = await milliseconds(async () => {
    const { stored } = await importer.rememberMany(items);
    if (stored !== memories) throw new Error(`${stored} of ${memories} memories were stored.`);
  });
  const settleMs = await milliseconds(() => store.settled());
  await store.close();
  await writeFile(join(unfinished, figures), JSON.stringify({ memories, importMs, settleMs } satisfies Imported));
  await synced(unfinished);
  await rename(unfinished, loaded);
}

async function synced(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = await open(join(entry.parentPath, entry.name), 'r+');
    await file.sync();
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
