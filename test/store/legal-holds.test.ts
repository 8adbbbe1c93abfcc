import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { allow, type HoldRequest, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { alterDatabase } from '../faults/folders';
import { all, codeOf, issuePaths, openFolder, openInMemory, refusal, temporaryFolder } from './stores';

const off = { embed: false } as const;
const namespace = ['support'];
const about = { namespace, userId: 'customer-4417', key: 'order', tags: ['courier'], ...off };

describe('a legal hold', () => {
  test('keeps what agents forget for the host, and for agents it looks forgotten', async () => {
    const store = await openInMemory();
    const agent = store.as({ agentId: 'a' });
    const { id } = await agent.remember('The courier lost it.', { ...about, metadata: { order: 'A-1182' } });
    await agent.update(id, { text: 'The courier found it.' });
    const hold = await store.hold({ matter: 'Kim v. Courier', selection: { userId: 'customer-4417' } });
    expect(await store.withheld()).toEqual([]);
    expect(await agent.forget(id)).toBe(true);
    expect(await agent.forget(id)).toBe(false);
    for (const handle of [agent, store.admin]) {
      expect(await handle.get(id)).toBeUndefined();
      expect(await handle.recall('courier', { mode: 'keyword' })).toEqual([]);
      expect(await handle.count({ userId: 'customer-4417' })).toBe(0);
      expect(JSON.stringify(await handle.history(id))).not.toContain('courier');
      expect((await handle.stats()).memories).toBe(0);
    }
    expect((await agent.remember('A new one.', about)).outcome).toBe('stored');
    const [kept, ...others] = await store.withheld();
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ id, forgottenAt: expect.any(Date) });
    expect(kept?.revisions.map(({ text }) => text)).toEqual(['The courier lost it.', 'The courier found it.']);
    expect(kept?.revisions[1]).toMatchObject({
      key: 'order',
      metadata: { order: 'A-1182' },
      state: 'active',
      revision: 2,
    });
    expect(await store.holds()).toEqual([
      { id: hold, matter: 'Kim v. Courier', selection: { userId: 'customer-4417' }, since: expect.any(Date) },
    ]);
    expect((await store.verify()).problems).toEqual([]);
  });

  test('ends with its release, and what another hold concerns stays until that one ends, too', async () => {
    const store = await openInMemory();
    const ids: string[] = [];
    for (const tags of [['courier'], ['courier', 'refund'], ['refund'], []])
      ids.push((await store.admin.remember(`with ${tags}`, { namespace, tags, ...off })).id);
    const [first, second] = [
      await store.hold({ matter: 'one', selection: { tags: ['courier'] } }),
      await store.hold({ matter: 'two', selection: { namespace, tags: ['refund'] } }),
    ];
    await store.admin.forgetWhere({ namespace }, { dryRun: false });
    const withheld = async () => (await store.withheld()).map(({ id }) => id);
    expect(await withheld()).toEqual(ids.slice(0, 3));
    for (const hold of [first, first, second])
      expect(await store.releaseHold(hold, { dryRun: true })).toEqual({ released: true, forgotten: 1 });
    expect([await withheld(), (await store.holds()).length]).toEqual([ids.slice(0, 3), 2]);
    expect(await store.releaseHold(first)).toEqual({ released: true, forgotten: 1 });
    expect(await store.releaseHold(first, { dryRun: true })).toEqual({ released: false, forgotten: 0 });
    expect(await store.releaseHold(first)).toEqual({ released: false, forgotten: 0 });
    expect(await withheld()).toEqual(ids.slice(1, 3));
    expect((await store.withheld({ limit: 1, after: ids[1] as string })).map(({ id }) => id)).toEqual([ids[2]]);
    expect(await store.releaseHold(second)).toEqual({ released: true, forgotten: 2 });
    expect(await withheld()).toEqual([]);
    expect(await store.holds()).toEqual([]);
  });

  test('concerns a memory whose earlier revision matched', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('evidence', about);
    await store.hold({ matter: 'm', selection: { tags: ['courier'] } });
    await store.admin.update(id, { tags: [] });
    await store.admin.share(id, { namespace: ['elsewhere'] });
    await store.admin.forget(id);
    expect(await store.withheld()).toMatchObject([{ id, revisions: [{ tags: ['courier'] }, {}, {}] }]);
  });

  test('stays with the folder, reaches its backups, and damage to what it keeps is reported', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const { id } = await store.admin.remember('evidence', about);
    await store.hold({ matter: 'm', selection: { namespace } });
    await store.admin.forget(id);
    const copy = join(await temporaryFolder(), 'copy');
    await store.backup(copy);
    await store.close();
    const copied = await openFolder(copy);
    expect(await copied.withheld()).toMatchObject([{ id, revisions: [{ text: 'evidence' }] }]);
    expect(await copied.holds()).toHaveLength(1);
    alterDatabase(copy, (database) => database.exec("update withheld set record = replace(record, 'evi', 'ewi')"));
    expect((await copied.verify()).problems).toEqual([{ part: 'record', message: expect.stringContaining(id) }]);
    expect(await codeOf(() => copied.withheld())).toBe('RECORD_DAMAGED');
    const reader = await openFolder(folder, { readOnly: true });
    expect(await reader.withheld()).toMatchObject([{ id, revisions: [{ text: 'evidence' }] }]);
    expect(await codeOf(() => reader.hold({ matter: 'm', selection: { namespace } }))).toBe('STORE_READ_ONLY');
  });

  test('leaves no byte in any file soon after its release', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const files = () => readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const isFound = () =>
      files().some(({ name }) => readFileSync(join(folder, name), 'latin1').includes('xylophonquarz'));
    const hold = await store.hold({ matter: 'm', selection: { namespace } });
    const { id } = await store.admin.remember('The diagnosis is xylophonquarz.', about);
    await store.admin.forget(id);
    // Else the bytes could be those that `forget` has left.
    await pause(1_500);
    expect(isFound()).toBe(true);
    await store.releaseHold(hold);
    await expect.poll(isFound, { timeout: 10_000 }).toBe(false);
  });

  test('refuses a selection that matches everything, and reports every invalid field at once', async () => {
    const store = await openInMemory();
    for (const selection of [{}, { namespace: [] }])
      expect(await issuePaths(() => store.hold({ matter: 'm', selection }))).toEqual(['selection']);
    const invalid = { matter: '', selection: { tags: [], userId: undefined, other: 1 } } as unknown as HoldRequest;
    expect(await issuePaths(() => store.hold(invalid))).toEqual(
      expect.arrayContaining(['matter', 'selection.tags', 'selection.userId']),
    );
    expect((await refusal(() => store.withheld({ limit: 0 }))).code).toBe('INVALID_INPUT');
  });

  test('is in the audit only for those who may erase, too', async () => {
    const store = await openInMemory({
      access: [
        allow('everyone', 'curator', []),
        allow({ agentId: 'auditor' }, ['audit'], []),
        allow({ agentId: 'privacy' }, ['audit', 'erase'], []),
      ],
    });
    const { id } = await store.admin.remember('evidence', about);
    const hold = await store.hold({ matter: 'secret matter', selection: { namespace } });
    await store.admin.forget(id);
    await store.withheld();
    await store.holds();
    await store.releaseHold(hold);
    const actions = async (agentId: string) =>
      (await all(store.as({ agentId }).audit.query({ order: 'oldest' }))).map(({ action }) => action);
    expect(await actions('auditor')).not.toEqual(expect.arrayContaining([expect.stringMatching(/hold|withheld/)]));
    expect(await actions('auditor')).toEqual(expect.arrayContaining(['remember', 'forget']));
    expect(await actions('privacy')).toEqual(expect.arrayContaining(['hold', 'withheld', 'release-hold']));
    expect(JSON.stringify(await all(store.audit.query()))).not.toContain('secret matter');
  });

  test('shows what it keeps to principals that audit and erase there, and to nobody else', async () => {
    const store = await openInMemory({
      access: [
        allow('everyone', 'curator', []),
        allow({ agentId: 'privacy' }, ['audit', 'erase'], namespace),
        allow({ agentId: 'elsewhere' }, ['audit', 'erase'], ['billing']),
        allow({ agentId: 'auditor' }, ['audit'], []),
        allow({ agentId: 'eraser' }, ['erase'], []),
      ],
    });
    const as = (agentId: string) => store.as({ agentId });
    const first = await as('a').remember('first', about);
    const tagged = await store.admin.remember('tagged', { namespace, accessTags: ['secret'], ...off });
    const own = await as('a').remember('private', { namespace, visibility: 'private', ...off });
    const moved = await store.admin.remember('moved', { namespace: ['billing'], ...off });
    await store.admin.share(moved.id, { namespace });
    const before = await Promise.all(['privacy', 'auditor'].map((agentId) => as(agentId).withheld()));
    expect(before).toEqual([[], []]);
    await store.hold({ matter: 'm', selection: { namespace } });
    const all = [first, tagged, own, moved].map(({ id }) => id);
    for (const id of all) await store.admin.forget(id);
    const idsOf = async (agentId: string, options = {}) => (await as(agentId).withheld(options)).map(({ id }) => id);
    expect((await store.admin.withheld()).map(({ id }) => id)).toEqual(all);
    expect(await idsOf('privacy')).toEqual([first.id, moved.id]);
    expect(await idsOf('privacy', { limit: 1 })).toEqual([first.id]);
    expect(await idsOf('privacy', { after: first.id })).toEqual([moved.id]);
    // An id that it may not know of stands for no place.
    expect(await idsOf('privacy', { after: tagged.id })).toEqual([first.id, moved.id]);
    expect((await as('privacy').withheld({ after: first.id }))[0]?.revisions.map(({ namespace: at }) => at)).toEqual([
      namespace,
    ]);
    for (const agentId of ['elsewhere', 'auditor', 'eraser', 'a']) expect(await idsOf(agentId)).toEqual([]);
    expect(await store.as({ agentId: 'privacy' }, { userId: 'other' }).withheld()).toEqual([]);
  });

  test('is begun, listed and ended from another process', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder, { serve: true });
    await using connected = await MemoryStore.connect(folder);
    const { id } = await store.admin.remember('evidence', about);
    const hold = await connected.hold({ matter: 'm', selection: { namespace } });
    await connected.admin.forget(id);
    expect(await connected.holds()).toEqual(await store.holds());
    expect(await connected.withheld({ limit: 5 })).toEqual(await store.withheld());
    expect(await connected.admin.withheld()).toEqual(await store.withheld());
    expect(await connected.releaseHold(hold, { dryRun: true })).toEqual({ released: true, forgotten: 1 });
    expect(await connected.releaseHold(hold)).toEqual({ released: true, forgotten: 1 });
    const snapshots = `${folder}-snapshots`;
    expect(await connected.snapshot(snapshots, { dryRun: true })).toMatchObject({ to: snapshots, deleted: [] });
    expect(await codeOf(() => connected.hold({ matter: 'm', selection: {} }))).toBe('INVALID_INPUT');
  });
});
