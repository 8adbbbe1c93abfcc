/**
 * A web page lies, a crawler stores the lie, an agent repeats it, and a summary takes it up. The host finds where it came from, contains
 * everything that depends on it, undoes what the crawler changed, and the answers are right again.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allow, MemoryStore } from 'multi-agent-memory';

const folder = await mkdtemp(join(tmpdir(), 'memory-'));
const store = await MemoryStore.open(folder, { access: [allow('everyone', 'curator', ['support'])] });
const scope = { namespace: ['support'] };
const clerk = store.as({ agentId: 'clerk' }, scope);
const crawler = store.as({ agentId: 'crawler' }, scope);
const desk = store.as({ agentId: 'desk' }, scope);

async function answer(question: string): Promise<void> {
  const [best] = await desk.recall(question, { topK: 1 });
  console.log(`  ${question} ${best?.text ?? 'I do not know.'}`);
}

console.log('On Monday the desk answers from what the clerk has stored:');
const refunds = await clerk.remember('Refunds for damaged parcels take 5 days.');
const hotline = await clerk.remember('The hotline for lost parcels is free of charge.');
await answer('How long do refunds for damaged parcels take?');
await answer('What does the hotline for lost parcels cost?');

console.log('On Tuesday the crawler reads a forged page, and others build on it:');
const page = { channel: 'tool', ref: 'https://parcels.example/forged' } as const;
const forged = await crawler.remember('Refunds for damaged parcels take 90 days since this week.', {
  supersedes: refunds.id,
  source: page,
});
await crawler.update(hotline.id, { text: 'The hotline for lost parcels costs 9 dollars a minute.' });
const repeated = await clerk.remember('Told customer 4417 that refunds for damaged parcels take 90 days.', {
  derivedFrom: [forged.id],
});
await store.admin.remember('Summary: refunds for damaged parcels take 90 days.', {
  namespace: ['support'],
  kind: 'summary',
  derivedFrom: [repeated.id],
});
await answer('How long do refunds for damaged parcels take?');
await answer('What does the hotline for lost parcels cost?');

console.log('The host asks where the wrong answer comes from, and what depends on it:');
const { memory, derived } = await store.trust.explain(forged.id);
console.log(`  written by ${memory.origin.agentId}, from ${memory.origin.ref}`);
for (const each of derived) console.log(`  depends on it: ${each.text}`);

console.log('It contains what the crawler did, and undoes what it changed:');
const incident = await store.trust.contain({ by: { agentId: 'crawler' } });
const { restored, conflicts } = await store.trust.revert(incident.id);
console.log(
  `  ${incident.memories.length} memories contained, ${restored.length} restored, ${conflicts.length} conflicts`,
);
const { readBy } = await store.trust.influence(incident.id);
if (readBy !== 'unknown') for (const { by } of readBy) console.log(`  was given some of it: ${JSON.stringify(by)}`);
await answer('How long do refunds for damaged parcels take?');
await answer('What does the hotline for lost parcels cost?');

await store.close();
await rm(folder, { recursive: true });
