import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Checkpoint, MemoryStore } from 'multi-agent-memory';
import { playDay } from './hospital/hospital-day';
import { rules } from './hospital/rules';
import { screenOn } from './screen';

// One day in a hospital. Wards, agents, researchers and patients share one memory. Rules decide who can read what, and the audit log
// shows who read it.
const folder = await mkdtemp(join(tmpdir(), 'hospital-'));
// Checkpoints prove that the audit log was not changed. Keep them where a person with write access to the folder cannot change them.
const checkpoints = new Map<string, Checkpoint>();
const onCheckpoint = (checkpoint: Checkpoint) => void checkpoints.set(checkpoint.chain, checkpoint);
const store = await MemoryStore.open(folder, { access: rules, audit: { onCheckpoint } });
try {
  if (!(await playDay(screenOn(process.stdout), store, () => [...checkpoints.values()]))) process.exitCode = 1;
} finally {
  await store.close();
  await rm(folder, { recursive: true });
}
