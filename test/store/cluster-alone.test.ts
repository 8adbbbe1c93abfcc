import { join } from 'node:path';
import { MemoryStore } from 'multi-agent-memory';
import { expect, onTestFinished, test } from 'vitest';
import { codeOf, openFolder, temporaryFolder } from './stores';

test('a store that belongs to no cluster refuses the calls of a cluster, here and through a connection', async () => {
  const folder = join(await temporaryFolder(), 'memory');
  const store = await openFolder(folder, { serve: true });
  const connected = await MemoryStore.connect(folder);
  onTestFinished(() => connected.close());
  for (const { cluster } of [store, connected]) {
    expect(await codeOf(() => cluster.status())).toBe('CLUSTER_MISMATCH');
    expect(await codeOf(() => cluster.promote(1))).toBe('CLUSTER_MISMATCH');
    expect(await codeOf(() => cluster.remove(1))).toBe('CLUSTER_MISMATCH');
    expect(await codeOf(() => cluster.transfer())).toBe('CLUSTER_MISMATCH');
  }
});
