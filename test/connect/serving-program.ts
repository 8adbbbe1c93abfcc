/** Serves a folder until it is killed or gets a line on stdin. */
import { createInterface } from 'node:readline';
import { allow, MemoryStore } from 'multi-agent-memory';
import { say, task } from '../faults/programs/said';

const { folder } = task<{ folder: string }>();
const store = await MemoryStore.open(folder, { serve: true, access: [allow('everyone', 'writer', ['open'])] });
say({ say: 'serving' });
const input = createInterface({ input: process.stdin });
input.on('line', async () => {
  await store.close();
  input.close();
  say({ say: 'closed' });
});
