import { allow, MemoryStore } from 'multi-agent-memory';

const store = await MemoryStore.open('./memory', { access: [allow('everyone', 'writer', ['support'])] });
try {
  const billing = store.as({ agentId: 'billing' }, { namespace: ['support'] });
  await billing.remember('Customer 4417 wants the refund on the card ending 0921.', { userId: 'customer-4417' });

  const returns = store.as({ agentId: 'returns' }, { namespace: ['support'] });
  const hits = await returns.recall('How does this customer want to be paid back?', { userId: 'customer-4417' });
  for (const { score, agentId, text } of hits) console.log(score.toFixed(2), agentId, text);
} finally {
  await store.close();
}
