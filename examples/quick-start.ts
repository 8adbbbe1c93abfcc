import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allow, MemoryStore } from 'multi-agent-memory';

const folder = await mkdtemp(join(tmpdir(), 'memory-'));
const store = await MemoryStore.open(folder, { access: [allow('everyone', 'writer', ['support'])] });

const billing = store.as({ agentId: 'billing' }, { namespace: ['support'] });
await billing.remember('Customer 4417 wants the refund on the card ending 0921, not as store credit.', {
  userId: 'customer-4417',
  sessionId: 's-1',
  tags: ['refund'],
  priority: 0.8,
  metadata: { order: 'A-1182' },
});

const returns = store.as({ agentId: 'returns' }, { namespace: ['support'] });
const hits = await returns.recall('how does this customer want to be paid back?', { userId: 'customer-4417', topK: 5 });
for (const { score, agentId, text } of hits) console.log(score.toFixed(2), `${agentId}:`, text);

await store.close();
await rm(folder, { recursive: true });
