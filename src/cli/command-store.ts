import { readFile } from 'node:fs/promises';
import { defined } from '../domain/defined';
import type { Embedder, MemoryHandle, MemoryStore } from '../index';
import type { CommandLine } from './command-line';
import { oneOf } from './option-checks';
import { principalOf } from './principal-options';
import type { Terminal } from './terminal';

/** Options for a store that does not use the built-in model. */
export const embedderOptions = {
  embedder: {
    valueName: 'NAME',
    help: 'minilm, if the store uses that model; default: the built-in model',
    check: oneOf('minilm'),
  },
  'model-path': {
    valueName: 'FOLDER',
    help: 'the folder with the model files of minilm; default: download on first use',
  },
} as const;

/** The option of commands whose results are signed. A key is never an argument, because other users see the arguments of a process. */
export const signingKeyOptions = {
  'signing-key': {
    valueName: 'FILE',
    help: 'sign with this Ed25519 private key, in PEM format; a process that serves the folder signs with its own',
  },
} as const;

/** The option of commands that write to a store. */
export const trustOptions = {
  'trust-folder': {
    help: 'open the folder even if another user owns it or can write to it, or if one of its files is a symbolic link',
  },
} as const;

/** The parts of a store that commands use. The store may be open in this process, or in another process that serves the folder. */
export type CommandStore = Pick<
  MemoryStore,
  | 'admin'
  | 'as'
  | 'audit'
  | 'lifecycle'
  | 'trust'
  | 'backup'
  | 'snapshot'
  | 'purge'
  | 'verify'
  | 'stats'
  | 'hold'
  | 'releaseHold'
  | 'holds'
  | 'withheld'
  | 'erase'
  | 'receipts'
>;

type StoreTask<T> = (store: CommandStore, handle: MemoryHandle) => Promise<T>;

// The wait for a folder that another process has open. It is short: a process that does not serve its folder seldom closes soon, and
// a dead process releases its lock at once.
const shortWaitMs = 1_000;

/** Opens the store for reading and runs a task. It works even while another process has the store open. */
export async function readStore<T>(line: CommandLine, { signal }: Terminal, task: StoreTask<T>): Promise<T> {
  const { MemoryStore } = await import('../index');
  await using store = await MemoryStore.open(line.folder, { ...(await openOptionsOf(line)), readOnly: true, signal });
  return await task(store, handleOf(store, line));
}

/**
 * Opens the store for writing and runs a task. If another process serves the folder, writes are sent to that process. Otherwise this
 * process opens the folder, and serves it to other processes until the task ends.
 *
 * @throws STORE_HELD if another process has the folder open without serving it; INVALID_INPUT if the folder contains no store and
 * `create` is not set
 */
export async function writeStore<T>(
  line: CommandLine,
  { signal }: Terminal,
  task: StoreTask<T>,
  { create = false, waitMs = shortWaitMs }: { create?: boolean; waitMs?: number } = {},
): Promise<T> {
  const { MemoryStore } = await import('../index');
  // Opens the store for reading first, which fails if there is no store. So a mistyped folder does not become a new store.
  const options = await openOptionsOf(line);
  const { trustFolder } = options;
  if (!create) await (await MemoryStore.open(line.folder, { readOnly: true, trustFolder, signal })).close();
  await using store = await MemoryStore.connect(line.folder, { takeOver: options, waitMs, signal });
  return await task(store, handleOf(store, line));
}

function handleOf(store: CommandStore, line: CommandLine): MemoryHandle {
  const principal = principalOf(line);
  return principal === undefined ? store.admin : store.as(principal);
}

async function openOptionsOf(
  line: CommandLine,
): Promise<{ embedder?: Embedder; trustFolder: boolean; audit?: { signingKey: string } }> {
  const key = line.path('signing-key');
  const audit = key === undefined ? {} : { audit: { signingKey: await readFile(key, 'utf8') } };
  const trustFolder = line.flag('trust-folder');
  if (!line.isGiven('embedder')) return { trustFolder, ...audit };
  const { minilm } = await import('../index');
  return { trustFolder, ...audit, embedder: minilm(defined({ localPath: line.path('model-path') })) };
}
