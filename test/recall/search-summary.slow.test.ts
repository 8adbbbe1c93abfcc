import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';

test('`search` tells the host that LanceDB proposed candidates, if the vectors do not fit into RAM', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'memory-'));
  const store = await MemoryStore.open(folder, { exactUpTo: 100, memoryBytes: 0 });
  try {
    const memories = Array.from({ length: 400 }, (_, i) => ({ text: `note ${i} about refunds`, namespace: ['open'] }));
    await store.admin.rememberMany(memories);
    const validFrom = new Date('2020-05-04T12:00:00Z');
    const other = await store.admin.remember('We moved house.', { namespace: ['open'], validFrom });
    await store.settled();
    const [hit] = await store.admin.recall('refunds', { mode: 'semantic', explain: true });
    expect(hit?.search).toMatchObject({ method: 'approximate', visible: 401, vectors: 401, host: { tier: 'index' } });
    // Neither its meaning nor its words are near, but its time is.
    for (const mode of ['semantic', 'hybrid'] as const) {
      const hits = await store.admin.recall('What happened on 4 May 2020?', { mode, topK: 5 });
      expect(hits.map(({ id }) => id)).toContain(other.id);
    }
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}, 60_000);
