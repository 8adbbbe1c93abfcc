import { MemoryStore, type OpenOptions } from 'multi-agent-memory';

/** The functions with which these tests open stores. Other tests pass a library with a planted mistake instead. */
export interface Library {
  inMemory(options: OpenOptions): Promise<MemoryStore>;
  open(folder: string, options: OpenOptions): Promise<MemoryStore>;
  /** The number of turns of the event loop after which a watch has delivered all its changes. Default: 1. */
  readonly turns?: number;
  /** Whether the sweep of retentions runs during a story. Who may read a place is told of what the sweep forgets there. Default: false. */
  readonly sweeps?: boolean;
}

/** The library without changes. */
export const library: Library = {
  inMemory: (options) => MemoryStore.inMemory(options),
  open: (folder, options) => MemoryStore.open(folder, options),
};
