import { allow } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { all, codeOf, issuePaths, openFolder, openInMemory, temporaryFolder } from '../store/stores';

const namespace = ['support'];

describe('forget', () => {
  test('removes a memory from every read', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('the refund', { namespace, key: 'k', tags: ['t'] });
    expect(await store.admin.forget(id)).toBe(true);
    expect(await store.admin.get(id)).toBeUndefined();
    expect(await store.admin.get({ namespace, key: 'k' })).toBeUndefined();
    const include = ['expired', 'superseded', 'quarantined'] as const;
    expect(await store.admin.count({ include })).toBe(0);
    expect(await store.admin.count({ include, tags: ['t'] })).toBe(0);
    expect(await store.admin.count({ asOf: new Date('2030-01-01T00:00:00Z') })).toBe(0);
    expect((await store.admin.list({ include })).items).toEqual([]);
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      expect(await store.admin.recall('refund', { mode, include })).toEqual([]);
    }
    expect(await store.admin.namespaces()).toEqual([]);
    expect((await store.stats()).memories).toBe(0);
  });

  test('returns whether there was a memory to forget', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('text', { namespace });
    const answers = await Promise.all(Array.from({ length: 5 }, () => store.admin.forget(id)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await store.admin.forget(id)).toBe(false);
    expect(await store.admin.forget('never was')).toBe(false);
  });

  test('leaves no text of the memory for any read, including history and watch', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('the first secret', { namespace, metadata: { secret: 1 } });
    await store.admin.update(id, { text: 'the second secret' });
    await store.admin.forget(id);
    const history = await store.admin.history(id);
    expect(history.map(({ type, revision }) => [type, revision])).toEqual([
      ['stored', 1],
      ['revised', 2],
      ['forgotten', 3],
    ]);
    expect(JSON.stringify(history)).not.toContain('secret');
    for (const change of history) expect(change).not.toHaveProperty('memory');
  });

  test('is permanent: the memory does not come back after a restart', async () => {
    const folder = await temporaryFolder();
    const first = await openFolder(folder);
    const { id } = await first.admin.remember('gone', { namespace });
    const { id: kept } = await first.admin.remember('kept', { namespace });
    await first.admin.forget(id);
    await first.close();
    const second = await openFolder(folder);
    expect(await second.admin.get(id)).toBeUndefined();
    expect((await second.admin.recall('gone kept')).map((hit) => hit.id)).toEqual([kept]);
    expect((await second.verify()).problems).toEqual([]);
  });
});

describe('forgetWhere', () => {
  async function filled() {
    const clock = fakeClock();
    const store = await openInMemory({ clock });
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) {
      const { id } = await store.admin.remember(`note ${i}`, {
        namespace: i < 5 ? ['a'] : ['b'],
        tags: i % 2 === 0 ? ['even'] : ['odd'],
        priority: i / 10,
        userId: `u${i % 3}`,
      });
      ids.push(id);
    }
    return { store, clock, ids };
  }

  test('forgets the selected memories and no others', async () => {
    const { store, ids } = await filled();
    const expected = [0, 2, 4].map((i) => ids[i]);
    const selection = { namespace: ['a'], tags: ['even'] };
    const dry = await store.admin.forgetWhere(selection, { dryRun: true });
    expect(dry).toEqual({ matched: 3, forgotten: 0, ids: expect.arrayContaining(expected) });
    expect(await store.admin.count()).toBe(10);
    const done = await store.admin.forgetWhere(selection, { dryRun: false });
    expect(done).toEqual({ matched: 3, forgotten: 3, ids: expect.arrayContaining(expected) });
    expect(await store.admin.count()).toBe(7);
    expect(await store.admin.count(selection)).toBe(0);
    expect(await store.admin.forgetWhere(selection, { dryRun: false })).toEqual({ matched: 0, forgotten: 0, ids: [] });
  });

  test('accepts filters', async () => {
    const { store } = await filled();
    const selection = { filter: { or: [{ priority: { gte: 0.8 } }, { userId: 'u0' }] } };
    const matching = await store.admin.count(selection);
    expect((await store.admin.forgetWhere(selection, { dryRun: false })).forgotten).toBe(matching);
    expect(await store.admin.count()).toBe(10 - matching);
  });

  test.each<[object]>([
    [{}],
    [{ tags: [] }],
    [{ namespace: [] }],
    [{ filter: {} }],
    [{ filter: { and: [] } }],
    [{ filter: { and: [{}, { not: { or: [] } }] } }],
    [{ filter: { metadata: {} } }],
    [{ include: ['expired'] }],
    [{ namespace: ['a'], filter: {} }],
    [{ namespace: ['a'], tags: [] }],
    [{ namespace: ['a'], filter: { and: [] } }],
    [{ namespace: ['a'], filter: { or: [] } }],
    [{ namespace: ['a'], filter: { not: {} } }],
    [{ namespace: ['a'], filter: { or: [{ kind: 'episodic' }, {}] } }],
    [{ namespace: ['a'], filter: { metadata: {} } }],
    [{ namespace: ['a'], filter: { userId: { nin: [] } } }],
    [{ namespace: ['a'], filter: { userId: { in: [] } } }],
    [{ namespace: ['a'], filter: { userId: { contains: '' } } }],
    [{ namespace: ['a'], filter: { metadata: { a: { nin: [] } } } }],
  ])('refuses %j, which is empty or has an empty part', async (selection) => {
    const { store } = await filled();
    for (const dryRun of [true, false]) {
      expect(await codeOf(() => store.admin.forgetWhere(selection, { dryRun }))).toBe('INVALID_INPUT');
    }
    expect(await store.admin.count()).toBe(10);
  });

  test('rejects an empty selection, even on a handle with a scope', async () => {
    const { store } = await filled();
    const handle = store.as({ agentId: 'billing' }, { namespace: ['a'] });
    expect(await codeOf(() => handle.forgetWhere({}, { dryRun: false }))).toBe('INVALID_INPUT');
    expect(await store.admin.count()).toBe(10);
  });

  test('requires the option `dryRun`', async () => {
    const { store } = await filled();
    const call = store.admin.forgetWhere as (selection: object, options?: object) => Promise<unknown>;
    for (const options of [undefined, {}, { dryRun: undefined }, { dryRun: 'no' }, { dryRun: 0 }]) {
      expect(await codeOf(() => call.call(store.admin, { namespace: ['a'] }, options))).toBe('INVALID_INPUT');
    }
    expect(await store.admin.count()).toBe(10);
  });

  test.each<[object, string]>([
    [{ userId: undefined }, 'userId'],
    [{ namespace: undefined, tags: ['even'] }, 'namespace'],
    [{ tags: ['even'], sessionId: undefined }, 'sessionId'],
    [{ tags: ['even'], filter: undefined }, 'filter'],
    [{ tags: ['even'], asOf: undefined }, 'asOf'],
    [{ filter: { userId: undefined } }, 'filter.userId'],
    [{ filter: { metadata: { a: undefined } } }, 'filter.metadata.a'],
    [{ filter: { or: [{ key: undefined }] } }, 'filter.or.0.key'],
  ])('refuses %j: what is undefined must never mean everybody', async (selection, path) => {
    const { store } = await filled();
    expect(await issuePaths(() => store.admin.forgetWhere(selection as never, { dryRun: false }))).toEqual([path]);
    expect(await store.admin.count()).toBe(10);
  });

  test('forgets nothing outside the scope of its handle', async () => {
    const { store } = await filled();
    const handle = store.as({ agentId: 'billing' }, { namespace: ['a'] });
    expect((await handle.forgetWhere({ tags: ['even'] }, { dryRun: false })).forgotten).toBe(3);
    expect(await store.admin.count({ namespace: ['b'] })).toBe(5);
  });

  test('forgets expired and superseded memories too', async () => {
    const { store, clock, ids } = await filled();
    await store.admin.update(ids[0] ?? '', { expiresAt: clock.now() + 1 });
    await store.admin.remember('newer', { namespace: ['b'], supersedes: ids[1] ?? '' });
    clock.advance(5);
    expect(await store.admin.forgetWhere({ namespace: ['a'] }, { dryRun: false })).toMatchObject({ forgotten: 5 });
    expect(await store.admin.count({ namespace: ['a'], include: ['expired', 'superseded'] })).toBe(0);
  });

  test('forgets only memories that the principal may forget, but returns how many memories matched', async () => {
    const store = await openInMemory({ access: [allow('everyone', 'writer', namespace)] });
    const one = store.as({ agentId: 'one' }, { namespace });
    const two = store.as({ agentId: 'two' }, { namespace });
    const { id } = await one.remember('mine', { tags: ['t'] });
    await two.remember('theirs', { tags: ['t'] });
    await two.remember('private of two', { tags: ['t'], visibility: 'private' });
    expect(await one.forgetWhere({ tags: ['t'] }, { dryRun: true })).toEqual({ matched: 2, forgotten: 0, ids: [id] });
    expect(await one.forgetWhere({ tags: ['t'] }, { dryRun: false })).toEqual({ matched: 2, forgotten: 1, ids: [id] });
    expect(await store.admin.count()).toBe(2);
  });

  test('forgets many memories in several transactions, reports its progress, and can be aborted between them', async () => {
    const store = await openInMemory();
    await store.admin.rememberMany(
      Array.from({ length: 450 }, (_, i) => ({ text: `note ${i}`, namespace, embed: false as const })),
    );
    const told: number[] = [];
    const controller = new AbortController();
    const call = store.admin.forgetWhere(
      { namespace },
      {
        dryRun: false,
        signal: controller.signal,
        onProgress: ({ done, total }) => {
          told.push(done);
          expect(total).toBe(450);
          if (done >= 200) controller.abort(new Error('Enough.'));
        },
      },
    );
    await expect(call).rejects.toThrow('Enough.');
    const left = await store.admin.count();
    expect(left).toBe(450 - (told.at(-1) ?? 0));
    expect(left).toBeGreaterThan(0);
    expect((await store.admin.forgetWhere({ namespace }, { dryRun: false })).forgotten).toBe(left);
    expect(await all(store.admin.list())).toEqual([]);
  });
});
