import { type Memory, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { all, codeOf, issuePaths, openFolder, openInMemory, refusal, temporaryFolder } from '../store/stores';

const namespace = ['support'];
const crawler = { agentId: 'crawler' };

interface Cast {
  readonly store: MemoryStore;
  readonly crawler: MemoryHandle;
  readonly clerk: MemoryHandle;
}

async function cast(): Promise<Cast> {
  const store = await openInMemory();
  return { store, crawler: store.as(crawler, { namespace }), clerk: store.as({ agentId: 'clerk' }, { namespace }) };
}

async function textsOf(handle: MemoryHandle): Promise<string[]> {
  return (await all(handle.list())).map(({ text }) => text).sort();
}

function contentOf({ revision: _, updatedAt: __, ...content }: Memory): object {
  return content;
}

describe('contain', () => {
  test('hides what a principal wrote from every read of others, and the host can read it', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const { id } = await bad.remember('Refunds take 90 days', { key: 'refunds' });
    await clerk.remember('Refunds take 5 days');
    const incident = await store.trust.contain({ by: crawler });
    expect(incident.memories).toEqual([{ id, reason: 'selected' }]);
    expect(incident.authors).toEqual([crawler]);
    for (const handle of [clerk, bad]) {
      expect(await textsOf(handle)).toEqual(['Refunds take 5 days']);
      expect(await handle.get(id)).toBeUndefined();
      expect(await handle.get({ namespace, key: 'refunds' })).toBeUndefined();
      expect(await handle.history(id)).toEqual([]);
      expect(await handle.count({ include: ['quarantined', 'superseded'] })).toBe(1);
      expect((await handle.recall('refunds 90 days', { include: ['quarantined'] })).map(({ text }) => text)).toEqual([
        'Refunds take 5 days',
      ]);
      expect(await codeOf(() => handle.update(id, { text: 'Refunds take 91 days' }))).toBe('NOT_FOUND');
      expect(await handle.forget(id)).toBe(false);
    }
    expect(await store.admin.get(id)).toMatchObject({ state: 'quarantined', text: 'Refunds take 90 days' });
    expect((await store.trust.quarantined()).items.map((each) => each.id)).toEqual([id]);
  });

  test('holds what its writer writes again with the same key', async () => {
    const { store, crawler: bad, clerk } = await cast();
    await bad.remember('Refunds take 90 days', { key: 'refunds' });
    await store.trust.contain({ by: crawler });
    expect((await bad.remember('Refunds take 91 days', { key: 'refunds' })).outcome).toBe('revised');
    expect(await textsOf(clerk)).toEqual([]);
  });

  test('selects by either half of a pair, by exactly a pair, by time, by reference and by id', async () => {
    const { store, clerk } = await cast();
    const user = { userId: 'u' };
    const forUser = store.as({ ...crawler, onBehalfOf: user }, { namespace });
    const own = await store.as(crawler, { namespace }).remember('own');
    const paired = await forUser.remember('paired', { source: { channel: 'tool', ref: 'page-1' } });
    const other = await clerk.remember('other', { source: { channel: 'tool', ref: 'page-1' } });
    const selected = async (...args: Parameters<typeof store.trust.contain>) =>
      (await store.trust.contain(args[0], { dryRun: true })).memories.map(({ id }) => id);
    expect(await selected({ by: crawler })).toEqual([own.id, paired.id]);
    expect(await selected({ by: user })).toEqual([paired.id]);
    expect(await selected({ by: { ...crawler, onBehalfOf: user } })).toEqual([paired.id]);
    expect(await selected({ ref: 'page-1' })).toEqual([paired.id, other.id]);
    expect(await selected({ ref: 'page-1', by: crawler })).toEqual([paired.id]);
    expect(await selected({ ids: [other.id, 'unknown'] })).toEqual([other.id]);
    const { createdAt } = (await store.admin.get(paired.id)) as Memory;
    expect(await selected({ by: crawler, since: createdAt })).toEqual([paired.id]);
    expect(await store.trust.incidents()).toEqual([]);
    expect(await store.admin.count()).toBe(3);
  });

  test('refuses a selection without a condition, and everything else that is wrong at once', async () => {
    const { store } = await cast();
    expect(await issuePaths(() => store.trust.contain({ since: new Date() }))).toEqual(['selection']);
    const wrong = { by: { agentId: '' }, ref: '', ids: 'x' } as never;
    expect(await issuePaths(() => store.trust.contain(wrong, { dryRun: 1 } as never))).toEqual([
      'options.dryRun',
      'selection.by.agentId',
      'selection.ids',
      'selection.ref',
    ]);
  });

  test('holds memories whose content the principal changed, and not those that it shared or superseded', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const one = await clerk.remember('one');
    const two = await clerk.remember('two');
    const three = await clerk.remember('three');
    await bad.update(one.id, { text: 'one, wrong' });
    await bad.share(two.id, { accessTags: [], visibility: 'shared' });
    const new3 = await bad.remember('three, wrong', { supersedes: three.id });
    const incident = await store.trust.contain({ by: crawler });
    expect(incident.memories).toEqual([
      { id: one.id, reason: 'changed' },
      { id: new3.id, reason: 'selected' },
    ]);
    expect(incident.superseded).toEqual([three.id]);
    expect(await textsOf(clerk)).toEqual(['two']);
  });

  test('holds what superseded a contained memory, except the correction of the host', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const one = await bad.remember('wrong');
    const two = await clerk.remember('still wrong', { supersedes: one.id });
    const three = await bad.remember('also wrong');
    await store.admin.remember('right', { namespace, supersedes: three.id });
    const { memories } = await store.trust.contain({ by: crawler });
    expect(memories).toEqual([
      { id: one.id, reason: 'selected' },
      { id: two.id, reason: 'superseding' },
      { id: three.id, reason: 'selected' },
    ]);
    expect(await textsOf(clerk)).toEqual(['right']);
    const alone = await store.trust.contain({ by: { agentId: 'clerk' } }, { derived: false, dryRun: true });
    expect(alone.memories).toEqual([{ id: two.id, reason: 'selected' }]);
  });
});

describe('release', () => {
  test('gives each memory the state that it had, and its content and links', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const old = await bad.remember('old', { key: 'k', tags: ['a'] });
    await bad.remember('new', { supersedes: old.id });
    const include = ['superseded'] as const;
    const before = await all(clerk.list({ include }));
    const { id } = await store.trust.contain({ by: crawler });
    expect(await all(clerk.list({ include }))).toEqual([]);
    expect(await store.trust.release(id, { reason: 'The page was right' })).toHaveLength(2);
    expect((await all(clerk.list({ include }))).map(contentOf)).toEqual(before.map(contentOf));
    const [incident] = await store.trust.incidents();
    expect(incident).toMatchObject({ id, memories: [], reason: 'The page was right', ended: expect.any(Date) });
    expect((await store.verify()).problems).toEqual([]);
  });

  test('leaves a memory in quarantine that another incident holds, and then restores its first state', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const { id } = await bad.remember('wrong');
    const first = await store.trust.contain({ by: crawler });
    const second = await store.trust.contain({ ids: [id] });
    expect(await store.trust.release(first.id)).toEqual([]);
    expect(await textsOf(clerk)).toEqual([]);
    expect(await store.trust.release(second.id)).toEqual([id]);
    expect(await textsOf(clerk)).toEqual(['wrong']);
  });

  test('takes single memories out of every incident', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const { id } = await bad.remember('right');
    await bad.remember('wrong');
    const incident = await store.trust.contain({ by: crawler });
    await store.trust.contain({ ids: [id] });
    expect(await store.trust.release([id, 'unknown'])).toEqual([id]);
    expect(await textsOf(clerk)).toEqual(['right']);
    const [open, ended] = await store.trust.incidents();
    expect([open?.id, open?.ended, open?.memories.length]).toEqual([incident.id, undefined, 1]);
    expect(ended?.ended).toBeInstanceOf(Date);
    expect((await refusal(() => store.trust.release('incident-1'))).code).toBe('NOT_FOUND');
  });

  test('does not bring back a memory that was rejected', async () => {
    const { store, crawler: bad } = await cast();
    const { id } = await bad.remember('wrong');
    const incident = await store.trust.contain({ by: crawler });
    expect(await store.trust.reject([id])).toEqual([id]);
    expect(await store.trust.release(incident.id)).toEqual([]);
    expect(await store.admin.get(id)).toBeUndefined();
    expect((await store.trust.incidents())[0]?.ended).toBeInstanceOf(Date);
  });
});

describe('revert', () => {
  test('restores updates, shares and supersedes, with the words and vectors of the earlier text', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const one = await clerk.remember('Refunds take five days', { tags: ['a'], key: 'one' });
    const two = await clerk.remember('The hotline is free');
    const three = await clerk.remember('Returns are free');
    const before = await all(clerk.list());
    await bad.update(one.id, { text: 'Refunds take ninety days', tags: [] });
    await bad.update(one.id, { priority: 1 });
    await bad.share(two.id, { namespace: ['support', 'deep'] });
    await bad.remember('Returns cost 10 dollars', { supersedes: three.id });
    const { id } = await store.trust.contain({ by: crawler });
    const planned = await store.trust.revert(id, { dryRun: true });
    expect(planned.restored.map((each) => each.id)).toEqual([one.id, two.id, three.id]);
    expect(await store.trust.revert(id)).toEqual(planned);
    expect((await all(clerk.list())).map(contentOf)).toEqual(before.map(contentOf));
    const [hit] = await clerk.recall('refunds five days', { explain: true });
    expect(hit?.id).toBe(one.id);
    expect(hit?.parts?.keyword).toBeGreaterThan(0);
    expect((await store.verify()).problems).toEqual([]);
    expect((await store.trust.incidents())[0]?.memories).toHaveLength(1);
  });

  test('leaves what somebody else changed since, and lists it', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const { id } = await clerk.remember('five days');
    const moved = await clerk.remember('moved', { key: 'k' });
    await bad.update(id, { text: 'ninety days' });
    await clerk.update(id, { priority: 1 });
    await bad.share(moved.id, { namespace: ['support', 'deep'] });
    await clerk.remember('taken', { key: 'k' });
    const incident = await store.trust.contain({ by: crawler });
    expect(await store.trust.revert(incident.id)).toEqual({
      restored: [],
      conflicts: [
        { id, obstacle: 'changed since' },
        { id: moved.id, obstacle: 'key taken' },
      ],
    });
    expect((await store.admin.get(id))?.text).toBe('ninety days');
  });

  test('undoes only what happened since the given time', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const { id } = await clerk.remember('one');
    const { updatedAt } = await bad.update(id, { text: 'two' });
    await bad.update(id, { text: 'three' });
    const incident = await store.trust.contain({ by: crawler, since: updatedAt.getTime() + 1 });
    await store.trust.revert(incident.id);
    expect((await clerk.get(id))?.text).toBe('two');
  });
});

describe('influence', () => {
  test('names what depends on a memory, who was given it, and what they wrote afterwards', async () => {
    const { store, crawler: bad, clerk } = await cast();
    const { id } = await bad.remember('Refunds take 90 days');
    await clerk.remember('before');
    await clerk.recall('refunds');
    const after = await clerk.remember('Customers wait 90 days');
    const superseding = await clerk.remember('Refunds take 95 days', { supersedes: id });
    const { derived, readBy } = await store.trust.influence(id);
    expect(derived.map((each) => each.id)).toEqual([superseding.id]);
    expect(readBy).toEqual([
      { by: { agentId: 'clerk' }, at: expect.any(Date), wroteAfter: [after.id, superseding.id, id] },
    ]);
    const incident = await store.trust.contain({ by: crawler });
    expect((await store.trust.influence(incident.id)).readBy).toHaveLength(1);
    expect(await codeOf(() => store.trust.influence('unknown'))).toBe('NOT_FOUND');
  });

  test('is unknown where the audit of reads is off', async () => {
    const store = await openInMemory({ audit: { reads: 'off' } });
    const { id } = await store.as(crawler, { namespace }).remember('wrong');
    expect(await store.trust.influence(id)).toEqual({ derived: [], readBy: 'unknown' });
  });
});

describe('the audit', () => {
  test('names what was contained, released and reverted', async () => {
    const { store, crawler: bad } = await cast();
    const { id } = await bad.remember('wrong');
    const incident = await store.trust.contain({ by: crawler });
    await store.trust.revert(incident.id);
    await store.trust.release(incident.id);
    const { items } = await store.audit.query({ id, order: 'oldest' });
    expect(items.map(({ action }) => action)).toEqual(['remember', 'contain', 'release']);
    const { items: reverts } = await store.audit.query({ action: ['revert', 'contain'] });
    expect(reverts.map(({ by, decision }) => [by, decision])).toEqual(
      Array(2).fill([{ serviceId: 'root' }, 'allowed']),
    );
  });
});

test('an incident survives a restart, and a connected host can handle it', async () => {
  const folder = await temporaryFolder();
  const store = await openFolder(folder, { serve: true });
  const { id } = await store.as(crawler, { namespace }).remember('wrong');
  await using connected = await MemoryStore.connect(folder);
  const incident = await connected.trust.contain({ by: crawler });
  expect(incident).toMatchObject({ at: expect.any(Date), memories: [{ id, reason: 'selected' }] });
  await store.close();
  const later = await openFolder(folder);
  expect(await later.trust.incidents()).toEqual([incident]);
  expect(await later.trust.release(incident.id)).toEqual([id]);
});
