/** Uses every part of the library, and prints nothing. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { allow, builtInEmbedder, deny, MemoryError, MemoryStore, minilm, toContext } from 'multi-agent-memory';
import { task } from './said';

export interface BusyTask {
  readonly folder: string;
  readonly models: string | undefined;
}

const { folder, models } = task<BusyTask>();
const namespace = ['parcels'];
const access = [allow('everyone', 'writer', namespace), deny({ agentId: 'nobody' }, 'writer', namespace)];

async function refused(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (MemoryError.is(error)) return;
    throw error;
  }
  throw new Error('That should have been refused.');
}

async function work(store: MemoryStore, count: number): Promise<void> {
  const agent = store.as({ agentId: 'carrier' }, { namespace });
  const texts = Array.from({ length: count }, (_, i) => ({
    text: `Parcel ${i} of ${i % 7} left for town ${i % 13}.`,
    key: `parcel-${i}`,
  }));
  await agent.rememberMany(texts);
  await store.settled();
  const { id } = await agent.remember('One more parcel.', { tags: ['late'], expiresAt: Date.now() + 86_400_000 });
  await agent.update(id, { text: 'One more parcel, and a \ud800 too many.' });
  for (const mode of ['keyword', 'semantic', 'hybrid'] as const) {
    toContext(await agent.recall('Which parcel left for town 3?', { mode, explain: true }), { maxTokens: 100 });
  }
  await agent.history(id);
  await agent.forgetWhere({ tags: ['late'] }, { dryRun: false });
  await refused(() => agent.update(id, { text: 'Gone.' }));
  await refused(() => store.as({ agentId: 'nobody' }, { namespace }).remember('No.'));
  await store.verify({ repair: true });
  await store.stats();
}

const store = await MemoryStore.open(join(folder, 'built-in'), { access, exactUpTo: 100, embedder: builtInEmbedder() });
await work(store, 600);
const reader = await MemoryStore.open(join(folder, 'built-in'), { readOnly: true, exactUpTo: 100 });
await reader.admin.recall('parcel');
await reader.close();
await store.backup(join(folder, 'backup'));
// A second store on the same folder, and a close while writes are running.
const again = await MemoryStore.open(join(folder, 'built-in'), { access });
const writes = Array.from({ length: 50 }, (_, i) => again.admin.remember(`Late ${i}.`, { namespace }));
await Promise.all([store.close(), again.close()]);
await Promise.allSettled(writes);
await refused(() => store.admin.remember('Closed.', { namespace }));
await refused(() => MemoryStore.open(join(folder, 'none'), { readOnly: true }));

const memory = await MemoryStore.inMemory({ access });
await work(memory, 200);
await memory.close();

if (models !== undefined) {
  await using embedded = await MemoryStore.open(join(folder, 'minilm'), {
    access,
    exactUpTo: 20,
    embedder: minilm({ localPath: models }),
  });
  await work(embedded, 60);
}
{
  await using missing = await MemoryStore.open(join(folder, 'missing'), {
    access,
    embedder: minilm({ localPath: join(folder, 'no-models') }),
  });
  await refused(() => missing.admin.remember('No model.', { namespace }));
}
if (readdirSync(folder).length < 3) throw new Error('It did not do what it should.');
