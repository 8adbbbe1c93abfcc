import type { Embedder, MemoryHandle, MemoryStore } from '../index';
import type { CommandLine } from './command-line';
import { oneOf } from './option-checks';
import { principalOf } from './principal-options';
import type { Terminal } from './terminal';

/** The embedder of a store whose vectors are not of the built-in model. */
export const embedderOptions = {
  embedder: {
    value: 'NAME',
    help: 'minilm, for a store whose vectors come from it; default: the built-in model',
    check: oneOf('minilm'),
  },
  'model-path': { value: 'FOLDER', help: 'where the files of that model are; default: downloaded on first use' },
} as const;

/** A store as commands use it, open here or in the process that holds it. */
export type CommandStore = Pick<MemoryStore, 'admin' | 'as' | 'audit' | 'backup' | 'verify' | 'stats'>;

type Run<T> = (store: CommandStore, handle: MemoryHandle) => Promise<T>;

// Whoever holds the folder and does not serve it will not do so soon; whoever dies lets go at once.
const shortWaitMs = 1_000;

/** Runs with a store that is only read: beside whoever has it open. */
export async function reading<T>(line: CommandLine, { signal }: Terminal, run: Run<T>): Promise<T> {
  const { MemoryStore } = await import('../index');
  await using store = await MemoryStore.open(line.folder, { ...(await embedderOf(line)), readOnly: true, signal });
  return await run(store, handleOf(store, line));
}

/**
 * Runs with a store that is written: through the process that holds and serves the folder, else as its holder, who serves it to
 * others meanwhile.
 *
 * @throws STORE_HELD where another process holds the folder and serves it to nobody
 */
export async function writing<T>(
  line: CommandLine,
  { signal }: Terminal,
  run: Run<T>,
  { isNew = false, waitMs = shortWaitMs }: { isNew?: boolean; waitMs?: number } = {},
): Promise<T> {
  const { MemoryStore } = await import('../index');
  // A folder that was mistyped must not become a store. To read one says so.
  if (!isNew) await (await MemoryStore.open(line.folder, { readOnly: true, signal })).close();
  await using store = await MemoryStore.connect(line.folder, { takeOver: await embedderOf(line), waitMs, signal });
  return await run(store, handleOf(store, line));
}

function handleOf(store: CommandStore, line: CommandLine): MemoryHandle {
  const principal = principalOf(line);
  return principal === undefined ? store.admin : store.as(principal);
}

async function embedderOf(line: CommandLine): Promise<{ embedder?: Embedder }> {
  if (line.text('embedder') === undefined) return {};
  const { minilm } = await import('../index');
  const localPath = line.text('model-path');
  return { embedder: minilm(localPath === undefined ? {} : { localPath }) };
}
