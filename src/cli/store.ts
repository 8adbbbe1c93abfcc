import { type Embedder, type MemoryHandle, MemoryStore, minilm } from '../index';
import type { CommandLine } from './command-line';
import { principalOf } from './principal-options';
import type { Terminal } from './terminal';

/** The embedder of a store whose vectors are not of the built-in model. */
export const embedderOptions = {
  embedder: { value: 'NAME', help: 'minilm, for a store whose vectors come from it; default: the built-in model' },
  'model-path': { value: 'FOLDER', help: 'where the files of that model are; default: downloaded on first use' },
} as const;

/** Throws UsageError. */
export function embedderOf(line: CommandLine): { embedder?: Embedder } {
  if (line.oneOf('embedder', ['minilm']) === undefined) return {};
  const localPath = line.text('model-path');
  return { embedder: minilm(localPath === undefined ? {} : { localPath }) };
}

/** Runs with a store that is only read: beside whoever has it open. */
export async function reading<T>(
  line: CommandLine,
  { signal }: Terminal,
  run: (store: MemoryStore, handle: MemoryHandle) => Promise<T>,
): Promise<T> {
  const principal = principalOf(line);
  await using store = await MemoryStore.open(line.folder, { ...embedderOf(line), readOnly: true, signal });
  return await run(store, principal === undefined ? store.admin : store.as(principal));
}

/** Runs with a store that is written. */
export async function writing<T>(
  line: CommandLine,
  { signal }: Terminal,
  run: (store: MemoryStore, handle: MemoryHandle) => Promise<T>,
): Promise<T> {
  const principal = principalOf(line);
  await using store = await MemoryStore.open(line.folder, { ...embedderOf(line), signal });
  return await run(store, principal === undefined ? store.admin : store.as(principal));
}
