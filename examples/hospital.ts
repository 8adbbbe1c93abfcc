import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Checkpoint, MemoryStore } from 'multi-agent-memory';
import { rules } from './hospital/rules';
import { playDay } from './hospital/story';
import { screenOn } from './screen';

// One day of a hospital that shares a memory between wards, agents, researchers and patients: who sees what, and who saw it.
const folder = await mkdtemp(join(tmpdir(), 'hospital-'));
// What vouches for the record of who did what is kept where nobody who can write the folder can reach it.
const kept = new Map<string, Checkpoint>();
const onCheckpoint = (checkpoint: Checkpoint) => void kept.set(checkpoint.chain, checkpoint);
const store = await MemoryStore.open(folder, { access: rules, audit: { onCheckpoint } });
try {
  if (!(await playDay(screenOn(process.stdout), store, () => [...kept.values()]))) process.exitCode = 1;
} finally {
  await store.close();
  await rm(folder, { recursive: true });
}
