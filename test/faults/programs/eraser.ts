/** Erases a subject of a store, and is killed somewhere on the way. */
import { type ErasureTarget, MemoryStore } from 'multi-agent-memory';
import { say, task } from './said';

export interface EraserTask {
  readonly folder: string;
  readonly target: ErasureTarget;
}

const { folder, target } = task<EraserTask>();
const store = await MemoryStore.open(folder);
say('open');
await store.erase(target);
say('erased');
await store.close();
