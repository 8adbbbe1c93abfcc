/** Connects, makes one call and does not close. The process must exit by itself. */
import { MemoryStore } from 'multi-agent-memory';
import { say, task } from '../faults/programs/said';

const { folder, takeOver, waitMs = 20_000 } = task<{ folder: string; takeOver: boolean; waitMs?: number }>();
const store = await MemoryStore.connect(folder, { takeOver, waitMs });
await store.admin.remember('note', { namespace: ['open'] });
say({ say: 'answered' });
