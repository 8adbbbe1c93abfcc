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
    await store.settled();
    const [hit] = await store.admin.recall('refunds', { mode: 'semantic', explain: true });
    expect(hit?.search).toMatchObject({ method: 'approximate', visible: 400, vectors: 400, host: { tier: 'index' } });
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}, 60_000);
