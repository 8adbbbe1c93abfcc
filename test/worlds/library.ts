import { MemoryStore, type OpenOptions } from 'multi-agent-memory';

/** The part of the library that these tests open stores with: so that they can be shown a library with a mistake in it. */
export interface Library {
  inMemory(options: OpenOptions): Promise<MemoryStore>;
  open(folder: string, options: OpenOptions): Promise<MemoryStore>;
  /** After how many turns of the event loop a watch has told what there was to be told. Default: none, and one is waited for. */
  readonly turns?: number;
}

/** The library as it is. */
export const library: Library = {
  inMemory: (options) => MemoryStore.inMemory(options),
  open: (folder, options) => MemoryStore.open(folder, options),
};
