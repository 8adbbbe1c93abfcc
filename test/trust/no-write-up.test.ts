import { allow, ceiling, MemoryStore } from 'multi-agent-memory';
import { afterEach, describe, expect, it } from 'vitest';

const namespace = ['a'];
const stores: MemoryStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function openStore(...ceilings: ReturnType<typeof ceiling>[]) {
  const store = await MemoryStore.inMemory({ access: [allow('everyone', 'curator', ['a']), ...ceilings] });
  stores.push(store);
  return { store, scout: store.as({ agentId: 'scout' }), ann: store.as({ agentId: 'ann' }) };
}

const scoutIsReported = ceiling({ agentId: 'scout' }, 'reported', []);

describe('a principal with a low ceiling', () => {
  it('changes nothing that is more trusted, although the rules allow it', async () => {
    const { ann, scout } = await openStore(scoutIsReported);
    const { id } = await ann.remember('The well is deep.', { namespace, key: 'well' });
    const refused = { code: 'FORBIDDEN', message: expect.stringContaining('more trusted') };
    await expect(scout.update(id, { text: 'The well is dry.' })).rejects.toMatchObject(refused);
    await expect(scout.forget(id)).rejects.toMatchObject(refused);
    await expect(scout.share(id, { accessTags: [] })).rejects.toMatchObject(refused);
    const keyed = scout.remember('The well is dry.', { namespace, key: 'well' });
    await expect(keyed).rejects.toMatchObject(refused);
    expect(await scout.forgetWhere({ namespace }, { dryRun: true })).toMatchObject({ matched: 1, ids: [] });
    expect(await scout.forgetWhere({ namespace }, { dryRun: false })).toMatchObject({ forgotten: 0 });
    expect(await ann.get(id)).toMatchObject({ text: 'The well is deep.', revision: 1 });
  });

  it('may update and forget what it wrote, and what is as little trusted', async () => {
    const { store, scout } = await openStore(scoutIsReported, ceiling({ agentId: 'other' }, 'reported', []));
    const own = await scout.remember('The well is deep.', { namespace });
    const others = await store.as({ agentId: 'other' }).remember('The well is dry.', { namespace });
    expect((await scout.update(own.id, { priority: 1 })).revision).toBe(2);
    expect((await scout.update(others.id, { priority: 1 })).trust).toBe('reported');
    expect(await scout.forget(own.id)).toBe(true);
  });

  it('stores what supersedes a more trusted memory beside it', async () => {
    const { ann, scout } = await openStore(scoutIsReported);
    const { id } = await ann.remember('The well is deep.', { namespace });
    const disputing = await scout.remember('The well is dry.', { namespace, supersedes: id });
    expect(disputing.outcome).toBe('disputed');
    expect(await ann.get(id)).toMatchObject({ state: 'active', revision: 1 });
    expect(await ann.get(disputing.id)).toMatchObject({ trust: 'reported', supersedes: id });
    const many = await scout.rememberMany([{ text: 'The well is gone.', namespace, supersedes: id }]);
    expect(many).toMatchObject({ stored: 1, failed: 0, results: [{ outcome: 'disputed' }] });
    expect((await ann.remember('Still deep.', { namespace, supersedes: id })).outcome).toBe('stored');
  });
});

it('a store without ceilings asks only the rules', async () => {
  const { store, scout } = await openStore();
  const { id } = await store.admin.remember('The well is deep.', { namespace });
  expect((await scout.update(id, { priority: 1 })).trust).toBe('standard');
  expect((await scout.remember('Dry.', { namespace, supersedes: id })).outcome).toBe('stored');
});
