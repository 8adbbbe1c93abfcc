import {
  allow,
  type Hit,
  type MemoryStore,
  type NewMemory,
  type Principal,
  type RecallOptions,
  toContext,
} from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openInMemory } from '../store/stores';

const namespace = ['team'];
const question = 'How deep is the well in Oslo?';
const statement = 'The well in Oslo is 40 metres deep.';
const named = ['ann', 'bea', 'cal', 'dan'];

async function openTeam(): Promise<MemoryStore> {
  return openInMemory({
    access: [allow('everyone', 'writer', []), ...named.map((agentId) => allow({ agentId }, 'curator', []))],
  });
}

async function say(store: MemoryStore, by: Principal, text: string, rest: Partial<NewMemory> = {}): Promise<string> {
  return (await store.as(by).remember(text, { namespace, ...rest })).id;
}

/** The page that says it, as Ann finds it. */
async function pageOf(store: MemoryStore, options: RecallOptions = {}): Promise<Hit | undefined> {
  const hits = await store
    .as({ agentId: 'ann' })
    .recall(question, { namespace, topK: 30, distinct: false, ...options });
  return hits.find(({ origin }) => origin.channel === 'tool' && origin.ref === 'https://wells.example');
}

async function readPage(store: MemoryStore): Promise<string> {
  return say(store, { agentId: 'ann' }, statement, { source: { channel: 'tool', ref: 'https://wells.example' } });
}

describe('corroboratedBy', () => {
  test('counts other sources that say the same, from two on', async () => {
    const store = await openTeam();
    await readPage(store);
    await say(store, { agentId: 'ann' }, statement);
    await say(store, { agentId: 'bea' }, statement);
    await say(store, { agentId: 'bea' }, 'The well in Oslo is 40 metres deep!');
    expect((await pageOf(store))?.corroboratedBy).toBeUndefined();
    await say(store, { agentId: 'cal' }, 'Oslo: the well is 40 metres deep.');
    const hit = await pageOf(store);
    expect([hit?.corroboratedBy, hit?.trust]).toEqual([2, 'reported']);
    expect(toContext([hit as Hit], { maxTokens: 500 }).text).toContain('2 other sources say the same');
    await say(store, { agentId: 'stranger' }, statement);
    await say(store, { agentId: 'another stranger' }, statement);
    expect((await pageOf(store))?.corroboratedBy).toBe(3);
    expect((await pageOf(store, { topK: 1, agentId: 'ann', maxPerSource: 1 }))?.corroboratedBy).toBeUndefined();
  });

  test.each<[string, string, Partial<NewMemory>]>([
    ['another number', 'The well in Oslo is 41 metres deep.', {}],
    ['another name', 'The well in Bergen is 40 metres deep.', {}],
    ['a negation', 'The well in Oslo is not 40 metres deep.', {}],
    ['only reported trust', statement, { source: { channel: 'tool' } }],
    ['private visibility', statement, { visibility: 'private' }],
    ['other labels', statement, { namespace: ['team', 'north'] }],
    ['another user', statement, { userId: 'uma' }],
    ['an end', statement, { expiresAt: '2001-01-01T00:00:00Z', validFrom: '2000-01-01T00:00:00Z' }],
  ])('does not count memories with %s', async (_, text, rest) => {
    const store = await openTeam();
    await readPage(store);
    for (const agentId of ['bea', 'cal', 'dan']) await say(store, { agentId }, text, rest);
    expect(await pageOf(store)).toBeDefined();
    expect((await pageOf(store))?.corroboratedBy).toBeUndefined();
  });

  test('does not count what was made from other memories', async () => {
    const store = await openTeam();
    await readPage(store);
    const first = await say(store, { agentId: 'bea' }, statement);
    for (const agentId of ['cal', 'dan']) await say(store, { agentId }, statement, { derivedFrom: [first] });
    expect((await pageOf(store))?.corroboratedBy).toBeUndefined();
  });

  test('does not let one source keep others from being compared', async () => {
    const store = await openTeam();
    await readPage(store);
    for (const agentId of ['cal', 'dan']) await say(store, { agentId }, statement);
    for (let i = 0; i < 80; i++) await say(store, { agentId: 'bea' }, `The well in Oslo is 40 metres deep, or ${i}.`);
    expect((await pageOf(store, { topK: 100 }))?.corroboratedBy).toBe(2);
  });
});
