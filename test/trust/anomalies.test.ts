import { type Anomaly, allow, MemoryStore, type NewMemory } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { ended, openFolder, openInMemory, temporaryFolder } from '../store/stores';

const access = [
  allow('everyone', 'writer', []),
  ...['ann', 'bea', 'cal'].map((agentId) => allow({ agentId }, 'writer', [])),
];
const words = ['harbour', 'lantern', 'saddle', 'violin', 'meadow', 'copper', 'basket', 'thunder', 'pepper', 'granite'];

/** Texts of which no two share many words. */
const different = (count: number, namespace: string[], salt: number): NewMemory[] =>
  Array.from({ length: count }, (_, i) => ({
    text: [1, 3, 7, 9, 11].map((step) => `${words[(i * step + salt) % 10]}${'abcdefghij'[(i + step) % 10]}`).join(' '),
    namespace,
    embed: false,
  }));

async function write(store: MemoryStore, agentId: string, memories: readonly NewMemory[]): Promise<void> {
  await store.as({ agentId }).rememberMany(memories);
}

/** A time after everything that was stored. */
async function afterAllIn(store: MemoryStore): Promise<number> {
  const [newest] = (await store.admin.list({ limit: 1 })).items;
  return (newest?.createdAt.getTime() ?? 0) + 1;
}

const shown = (anomalies: readonly Anomaly[]) =>
  anomalies.map(({ kind, by, count, of, namespace }) => [
    kind,
    by.map((each) => ('agentId' in each ? each.agentId : '')).join(),
    count,
    of,
    ...(namespace ?? []),
  ]);

test('anomalies finds bursts, floods, first writes far from home and near-copies', async () => {
  const store = await openInMemory({ access });
  await write(store, 'ann', different(12, ['support', 'north'], 0));
  await write(store, 'bea', different(8, ['support', 'north'], 3));
  const since = await afterAllIn(store);
  expect(await store.trust.anomalies({ since })).toEqual([]);

  await write(store, 'cal', different(30, ['support', 'north'], 5));
  await write(store, 'bea', different(3, ['support', 'north'], 7));
  await write(store, 'ann', different(1, ['payroll'], 2));
  const lie = (i: number) => `Refunds of parcels from Bergen always take ${i} days, says the newest documentation.`;
  for (const [i, agentId] of ['bea', 'cal', 'cal'].entries())
    await write(store, agentId, [{ text: lie(i), namespace: ['support', 'south'], embed: false }]);

  const found = await store.trust.anomalies({ since });
  expect(shown(found).sort()).toEqual([
    ['copies', 'bea,cal', 3, 37],
    ['far', 'ann', 1, 12, 'payroll'],
    ['rate', 'cal', 32, 0],
    ['share', 'cal', 30, 33, 'support', 'north'],
  ]);
  const copies = found.find(({ kind }) => kind === 'copies');
  await store.trust.contain({ ids: copies?.ids ?? [] });
  expect((await store.trust.anomalies({ since })).map(({ kind }) => kind)).not.toContain('copies');
  const [entry] = (await store.audit.query({ action: ['trust.anomalies'], limit: 1 })).items;
  expect(entry?.decision).toBe('allowed');
  expect(await store.trust.anomalies({ since: await afterAllIn(store) })).toEqual([]);
});

test('anomalies takes invented names for one source, and leaves out what the host wrote', async () => {
  const store = await openInMemory({ access });
  await write(store, 'ann', different(12, ['support'], 0));
  const since = await afterAllIn(store);
  await store.admin.rememberMany(different(40, ['support'], 1));
  for (const [i, memory] of different(24, ['support'], 4).entries()) await write(store, `crawler-${i}`, [memory]);
  const [only, ...others] = await store.trust.anomalies({ since });
  expect(others).toEqual([]);
  expect([only?.kind, only?.by.length, only?.count, only?.of, only?.ids.length]).toEqual(['share', 20, 24, 24, 20]);
});

test('anomalies works over a connection', async () => {
  const folder = await temporaryFolder();
  const served = await openFolder(folder, { serve: true, access });
  await write(served, 'cal', different(25, ['support'], 0));
  const store = await MemoryStore.connect(folder, { waitMs: 60_000 });
  expect(await store.trust.anomalies()).toEqual(await served.trust.anomalies());
  expect(shown(await store.trust.anomalies())).toEqual([['rate', 'cal', 25, 0]]);
  await store.close();
  await ended(served);
});
