import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a user's first program does, with the package as this format of module brought it: write, restart, find. */
export async function story({ MemoryStore, MemoryError, allow }) {
  const folder = await mkdtemp(join(tmpdir(), 'packed #1 %20 '));
  const access = [allow('everyone', 'writer', ['support'])];
  try {
    const first = await MemoryStore.open(folder, { access });
    const billing = first.as({ agentId: 'billing' }, { namespace: ['support'] });
    const text = 'Customer 4417 wants the refund on the card ending 0921, not as store credit.';
    const { id } = await billing.remember(text, { userId: 'customer-4417', metadata: { order: 'A-1182' } });
    await first.close();

    const second = await MemoryStore.open(folder, { access });
    const returns = second.as({ agentId: 'returns' }, { namespace: ['support'] });
    const hits = await returns.recall('refund on the card?', { userId: 'customer-4417', topK: 5 });
    assert.deepEqual(
      hits.map((hit) => [hit.id, hit.text, hit.agentId, hit.metadata]),
      [[id, text, 'billing', { order: 'A-1182' }]],
    );
    const outside = second.as({ agentId: 'returns' }, { namespace: ['finance'] });
    await assert.rejects(outside.remember('x'), (error) => MemoryError.is(error) && error.code === 'FORBIDDEN');
    assert.equal(await returns.forget(id).catch((error) => error.code), 'FORBIDDEN');
    assert.equal(await second.as({ agentId: 'billing' }).forget(id), true);
    await second.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
