import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allow, ceiling, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { afterEach, describe, expect, it } from 'vitest';

const namespace = ['web'];
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const access = [
  allow('everyone', 'writer', []),
  allow({ agentId: 'ann' }, 'curator', ['web']),
  allow({ agentId: 'bot' }, 'curator', []),
  ceiling({ agentId: 'bot' }, 'reported', []),
];

async function openStore() {
  const store = await MemoryStore.inMemory({ access });
  cleanups.push(() => store.close());
  const as = (agentId: string) => store.as({ agentId }, { namespace });
  const [ann, bot, reader] = [as('ann'), as('bot'), as('reader')] as const;
  const { id } = await bot.remember('The well is deep.', { source: { channel: 'tool' }, key: 'well' });
  return { store, ann, bot, reader, id };
}

/** The ids that each way of reading gives to a reader that asks for memories of standard trust. */
async function trustedIds(reader: MemoryHandle): Promise<(readonly string[])[]> {
  const careful = reader.within({ minTrust: 'standard' });
  const hits = await careful.recall('How deep is the well?', { topK: 100 });
  const listed = await careful.list({ filter: { kind: 'episodic' } });
  const gotten = await Promise.all((await reader.list()).items.map(({ id }) => careful.get(id)));
  const ids = [hits, listed.items, gotten.flatMap((each) => each ?? [])].map((each) => each.map(({ id }) => id).sort());
  expect(await careful.count()).toBe(ids[0]?.length);
  return ids;
}

describe('endorse', () => {
  it('raises the trust of a memory for every read, up to the ceiling of the endorser', async () => {
    const { store, ann, reader, id } = await openStore();
    const { id: note } = await reader.remember('The well holds much water.', { derivedFrom: [id] });
    expect(await trustedIds(reader)).toEqual([[], [], []]);
    expect(await ann.endorse(id, { as: 'standard', ifRevision: 1 })).toMatchObject({ trust: 'standard', revision: 2 });
    // What was made from it was only as little trusted as its source when it was written.
    expect(await trustedIds(reader)).toEqual([[id], [id], [id]]);
    await ann.endorse(note, { as: 'standard' });
    const both = [id, note].sort();
    expect(await trustedIds(reader)).toEqual([both, both, both]);
    const [first, second] = await reader.history(id);
    expect([first?.memory?.trust, second?.memory?.trust, second?.by]).toEqual([
      'reported',
      'standard',
      { agentId: 'ann' },
    ]);
    const { items } = await store.audit.query({ id, action: 'endorse' });
    expect(items).toMatchObject([{ decision: 'allowed', by: { agentId: 'ann' } }]);
    // A lower ceiling of the endorser binds at once, and it is raised again with the ceiling.
    const rule = await store.admin.access.ceiling({ agentId: 'ann' }, 'reported', []);
    expect(await trustedIds(reader)).toEqual([[], [], []]);
    await store.admin.access.end(rule.id);
    expect(await trustedIds(reader)).toEqual([both, both, both]);
    // A later ceiling of the author does not change what others vouch for.
    await store.admin.access.ceiling({ agentId: 'bot' }, 'untrusted', []);
    expect(await trustedIds(reader)).toEqual([both, both, both]);
  });

  it('needs the right, a ceiling as high, the revision that was read, and sources as trusted', async () => {
    const { ann, bot, reader, id } = await openStore();
    const { id: note } = await reader.remember('The well holds much water.', { derivedFrom: [id] });
    const refused = (code: string, text: string) => ({ code, message: expect.stringContaining(text) });
    const as = 'standard' as const;
    await expect(reader.endorse(id, { as })).rejects.toMatchObject(refused('FORBIDDEN', 'requires `endorse`'));
    await expect(bot.endorse(id, { as })).rejects.toMatchObject(refused('FORBIDDEN', "is 'reported'"));
    await expect(ann.endorse(id, { as: 'verified' })).rejects.toMatchObject(refused('FORBIDDEN', 'above its own'));
    await expect(ann.endorse('no-such', { as })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(ann.endorse(id, { as, ifRevision: 2 })).rejects.toMatchObject({ code: 'REVISION_CONFLICT' });
    await expect(ann.endorse(note, { as })).rejects.toMatchObject(refused('INVALID_INPUT', 'Endorse its sources'));
    await expect(ann.endorse(id, { as: 'untrusted' as never })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const { id: own } = await ann.remember('The well is old.');
    await expect(bot.endorse(own, { as: 'reported' })).rejects.toMatchObject(refused('FORBIDDEN', 'more trusted'));
    expect((await ann.get(id))?.revision).toBe(1);
    expect(await trustedIds(reader)).toEqual([[own], [own], [own]]);
  });

  it('ends when the content changes, and when the memory moves to another namespace', async () => {
    const { store, ann, bot, reader, id } = await openStore();
    const changes: (() => Promise<unknown>)[] = [
      () => bot.update(id, { text: 'The well is dry.' }),
      () => bot.remember('The well is empty.', { key: 'well', source: { channel: 'tool' } }),
      () => store.admin.share(id, { namespace: ['web', 'north'] }),
    ];
    for (const change of changes) {
      await ann.endorse(id, { as: 'standard' });
      expect((await reader.get(id))?.trust).toBe('standard');
      await change();
      expect((await reader.get(id))?.trust).toBe('reported');
      expect(await trustedIds(reader)).toEqual([[], [], []]);
    }
    const [, endorsed] = await reader.history(id);
    expect(endorsed?.memory).toMatchObject({ text: 'The well is deep.', trust: 'reported' });
  });

  it('is shown to hosts and ended by contain, of the memory or of its endorser', async () => {
    const { store, ann, reader, id } = await openStore();
    await ann.endorse(id, { as: 'standard' });
    const explained = await store.trust.explain(id);
    expect(explained.endorsements).toMatchObject([{ by: { agentId: 'ann' }, as: 'standard', revision: 2 }]);
    const { id: incident } = await store.trust.contain({ ids: [id] });
    await expect(store.admin.endorse(id, { as: 'verified' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await store.trust.release(incident);
    expect((await reader.get(id))?.trust).toBe('reported');

    await ann.endorse(id, { as: 'standard' });
    const { id: note } = await ann.remember('The well holds much water.', { derivedFrom: [id] });
    expect((await reader.get(note))?.trust).toBe('standard');
    await store.admin.forget(id);
    expect((await reader.get(note))?.trust).toBe('standard');
    await store.trust.contain({ by: { agentId: 'ann' }, ref: 'none of hers' });
    expect((await reader.get(note))?.trust).toBe('reported');
    expect(await trustedIds(reader)).toEqual([[], [], []]);
  });

  it('gives what the rules withhold as untrusted back to readers, and is there after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mam-endorse-'));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    let store = await MemoryStore.open(folder, { access: [...access, ceiling({ channel: 'tool' }, 'untrusted', [])] });
    const source = { channel: 'tool' } as const;
    const { id } = await store.as({ agentId: 'bot' }, { namespace }).remember('The well is deep.', { source });
    expect(await store.as({ agentId: 'reader' }).get(id)).toBeUndefined();
    expect((await store.as({ agentId: 'ann' }).endorse(id, { as: 'standard' })).trust).toBe('standard');
    await store.close();
    store = await MemoryStore.open(folder);
    cleanups.unshift(() => store.close());
    expect(await trustedIds(store.as({ agentId: 'reader' }, { namespace }))).toEqual([[id], [id], [id]]);
    expect(await store.verify()).toMatchObject({ ok: true });
  });
});
