import { MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { Random } from '../faults/random';
import { access, makeRandomCalls } from './random-calls';
import { entries, folder } from './stores';

// `npm run test:access` makes 100,000.
test('2,000 random calls make 2,000 entries without a gap, and the chains pass verification', async () => {
  const path = folder();
  await using store = await MemoryStore.open(path, { access });
  const expected = await makeRandomCalls(store, new Random(5), 2_000);
  const found = await entries(store);
  const ofAgents = found.filter(({ by }) => by !== undefined && 'agentId' in by);
  expect(ofAgents.length).toBe(expected);
  for (const chain of ['changes', 'access']) {
    const seqs = found.filter((each) => each.chain === chain).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  }
  expect(await store.audit.verify({ head: await store.audit.checkpoint() })).toMatchObject({
    ok: true,
    anchored: true,
  });
});
