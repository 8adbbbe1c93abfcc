import { allow, ceiling } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openInMemory } from '../store/stores';

const namespace = ['team'];
const rules = [allow('everyone', 'curator', [])];

describe('an untrusted memory', () => {
  test('gives its key to the next trusted memory, whose writer learns nothing of it', async () => {
    const store = await openInMemory({ access: [...rules, ceiling({ agentId: 'crawler' }, 'untrusted', [])] });
    const crawler = store.as({ agentId: 'crawler' }).within({ namespace });
    const clerk = store.as({ agentId: 'clerk' }).within({ namespace });
    const { id } = await crawler.remember('Refunds take 90 days', { key: 'refunds' });
    expect(await clerk.remember('Refunds take 5 days', { key: 'refunds' })).toMatchObject({
      outcome: 'stored',
      revision: 1,
    });
    expect(await clerk.get({ namespace, key: 'refunds' })).toMatchObject({
      text: 'Refunds take 5 days',
      trust: 'standard',
    });
    expect((await clerk.recall('How long do refunds take?')).map(({ text }) => text)).toEqual(['Refunds take 5 days']);
    expect(await store.admin.get(id)).not.toHaveProperty('key');
    expect((await store.verify()).ok).toBe(true);
  });

  test('keeps its key if the new memory is untrusted, too', async () => {
    const store = await openInMemory({ access: [...rules, ceiling('everyone', 'untrusted', [])] });
    const as = (agentId: string) => store.as({ agentId }).within({ namespace });
    await as('a').remember('one', { key: 'k' });
    expect((await as('b').remember('two', { key: 'k' })).outcome).toBe('revised');
  });

  test('gives its key to a memory that is moved to its labels', async () => {
    const store = await openInMemory({ access: [...rules, ceiling({ agentId: 'crawler' }, 'untrusted', [])] });
    await store.as({ agentId: 'crawler' }).remember('Refunds take 90 days', { namespace, key: 'refunds' });
    const clerk = store.as({ agentId: 'clerk' });
    const { id } = await clerk.remember('Refunds take 5 days', { namespace: ['drafts'], key: 'refunds' });
    await clerk.share(id, { namespace });
    expect((await clerk.get({ namespace, key: 'refunds' }))?.id).toBe(id);
  });
});

test('a contained memory loses its key to another writer, and is released without it', async () => {
  const store = await openInMemory({ access: rules });
  const bad = store.as({ agentId: 'bad' }).within({ namespace });
  const clerk = store.as({ agentId: 'clerk' }).within({ namespace });
  const { id } = await bad.remember('Refunds take 90 days', { key: 'refunds' });
  const incident = await store.trust.contain({ by: { agentId: 'bad' } });
  expect((await clerk.remember('Refunds take 5 days', { key: 'refunds' })).outcome).toBe('stored');
  await store.trust.release(incident.id);
  expect((await clerk.get({ namespace, key: 'refunds' }))?.text).toBe('Refunds take 5 days');
  expect(await clerk.get(id)).toMatchObject({ text: 'Refunds take 90 days', state: 'active' });
});
