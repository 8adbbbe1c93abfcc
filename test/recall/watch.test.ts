import fc from 'fast-check';
import { type MemoryChange, MemoryStore, type Scope } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { all, codeOf, issuePaths, openFolder, openInMemory, openToAll, take, temporaryFolder } from '../store/stores';

const namespace = ['support'];

/** What a change says, in short. */
function brief({ type, memory }: MemoryChange): string {
  return `${type} ${memory?.text ?? '-'}`;
}

describe('watch', () => {
  test("yields every change in order with `since: 'start'`", async () => {
    const clock = fakeClock(undefined, 1);
    const store = await openInMemory({ clock });
    const { id } = await store.admin.remember('one', { namespace });
    await store.admin.update(id, { text: 'two' });
    const { id: other } = await store.admin.remember('three', { namespace, supersedes: id });
    await store.admin.forget(other);
    const changes = await take(store.admin.watch({ since: 'start' }), 5);
    expect(changes.map(brief)).toEqual(['stored one', 'revised two', 'stored -', 'revised two', 'forgotten -']);
    expect(changes.map((change) => change.id)).toEqual([id, id, other, id, other]);
    expect(changes[3]?.memory).toMatchObject({ state: 'superseded', revision: 3 });
    for (const change of changes) expect(change.at).toBeInstanceOf(Date);
    expect(changes.map(({ at }) => at.getTime())).toEqual(
      [...changes.map(({ at }) => at.getTime())].sort((a, b) => a - b),
    );
  });

  test('yields only changes after its start by default', async () => {
    const store = await openInMemory();
    await store.admin.remember('before', { namespace });
    for (const since of [undefined, 'now'] as const) {
      const feed = store.admin.watch(since === undefined ? {} : { since });
      // Between asking and the first reading.
      await store.admin.remember('after', { namespace });
      expect((await take(feed, 1)).map(brief)).toEqual(['stored after']);
    }
  });

  test('resumes from any cursor after a restart, without losing or repeating a change', async () => {
    const folder = await temporaryFolder();
    const first = await openFolder(folder);
    for (let i = 0; i < 6; i++) await first.admin.remember(`note ${i}`, { namespace });
    const changes = await take(first.admin.watch({ since: 'start' }), 6);
    await first.close();
    const second = await openFolder(folder);
    await second.admin.remember('note 6', { namespace });
    for (const [i, { cursor }] of changes.entries()) {
      const rest = await take(second.admin.watch({ since: cursor }), 6 - i);
      expect(rest.map(brief)).toEqual(Array.from({ length: 6 - i }, (_, j) => `stored note ${i + 1 + j}`));
    }
  });

  test('resumes from the cursor of a change to a memory that has since been forgotten', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('one', { namespace });
    await store.admin.remember('two', { namespace });
    const [first] = await take(store.admin.watch({ since: 'start' }), 1);
    await store.admin.forget(id);
    const rest = await take(store.admin.watch({ since: first?.cursor ?? '' }), 2);
    expect(rest.map(brief)).toEqual(['stored two', 'forgotten -']);
  });

  test('neither loses nor repeats a change while many callers write and the consumer is slow', async () => {
    const store = await openInMemory();
    const paces = fc.array(fc.nat(3), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(paces, fc.nat(30), async (pace, alreadyThere) => {
        const place = { namespace: [`run-${Math.random()}`] };
        const total = alreadyThere + 40;
        for (let i = 0; i < alreadyThere; i++) await store.admin.remember(`${i}`, { ...place, embed: false });
        const feed = store.admin.watch({ ...place, since: 'start' });
        const writing = Promise.all(
          Array.from({ length: 40 }, (_, i) => store.admin.remember(`${alreadyThere + i}`, { ...place, embed: false })),
        );
        const seen: string[] = [];
        for await (const { memory } of feed) {
          seen.push(memory?.text ?? '');
          for (let i = 0; i < (pace[seen.length % pace.length] ?? 0); i++) await new Promise(setImmediate);
          if (seen.length === total) break;
        }
        await writing;
        expect(seen.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
      }),
      { numRuns: 12 },
    );
  });

  test('skips a long run of changes that its reader may not see', async () => {
    const store = await openInMemory();
    await store.admin.rememberMany(
      Array.from({ length: 700 }, (_, i) => ({ text: `far ${i}`, namespace: ['far'], embed: false as const })),
    );
    await store.admin.remember('near', { namespace });
    expect((await take(store.admin.watch({ namespace, since: 'start' }), 1)).map(brief)).toEqual(['stored near']);
  });

  test.each<[Scope]>([
    [{ namespace: ['support', 'eu'] }],
    [{ userId: 'u1' }],
    [{ sessionId: 's1' }],
    [{ tags: ['t'] }],
    [{ agentId: 'billing' }],
  ])('with the scope %j yields changes of memories in it, including their deletion', async (scope) => {
    const store = await openInMemory();
    const inside = { namespace: ['support', 'eu'], userId: 'u1', sessionId: 's1', tags: ['t'] };
    const billing = store.as({ agentId: 'billing' });
    const feed = store.as({ agentId: 'reader' }).watch(scope);
    await store.as({ agentId: 'other' }).remember('outside', { namespace: ['support'] });
    const { id } = await billing.remember('inside', inside);
    await billing.update(id, { priority: 1 });
    const changes = feed[Symbol.asyncIterator]();
    const next = async () => (await changes.next()).value as MemoryChange;
    expect([await next(), await next()]).toMatchObject([
      { type: 'stored', id },
      { type: 'revised', id },
    ]);
    await billing.forget(id);
    expect(await next()).toMatchObject({ type: 'forgotten', id });
    await changes.return?.();
  });

  test('hides earlier changes of a forgotten memory in a narrow scope, because they may have been about another user', async () => {
    const store = await openInMemory();
    const keyed = { namespace, key: 'k' };
    const { id } = await store.admin.remember('about one', { ...keyed, userId: 'u1' });
    await store.admin.remember('about another', { ...keyed, userId: 'u2' });
    await store.admin.forget(id);
    const types = async (scope: object) => (await store.admin.within(scope).history(id)).map(({ type }) => type);
    expect(await types({ userId: 'u2' })).toEqual(['revised', 'forgotten']);
    expect(await types({ userId: 'u1' })).toEqual([]);
    expect(await types({ namespace })).toEqual(['stored', 'revised', 'forgotten']);
  });

  test('yields nothing and ends at once if its selection is outside the scope of the handle', async () => {
    const store = await openInMemory();
    await store.admin.remember('one', { namespace });
    const handle = store.as({ agentId: 'billing' }, { namespace: ['a'] });
    expect(await all(handle.watch({ namespace: ['b'], since: 'start' }))).toEqual([]);
  });

  test('ends when its signal is aborted: before the start, while it waits, and while the consumer is busy', async () => {
    const store = await openInMemory();
    for (let i = 0; i < 3; i++) await store.admin.remember(`note ${i}`, { namespace });
    expect(await all(store.admin.watch({ since: 'start', signal: AbortSignal.abort() }))).toEqual([]);
    const waiting = new AbortController();
    setImmediate(() => waiting.abort());
    expect(await all(store.admin.watch({ signal: waiting.signal }))).toEqual([]);
    const busy = new AbortController();
    const seen: MemoryChange[] = [];
    for await (const change of store.admin.watch({ since: 'start', signal: busy.signal })) {
      seen.push(change);
      busy.abort();
    }
    expect(seen).toHaveLength(1);
  });

  test('ends when the store closes while it waits', async () => {
    const store = await openInMemory();
    await store.admin.remember('one', { namespace });
    const seen: MemoryChange[] = [];
    const watching = (async () => {
      for await (const change of store.admin.watch({ since: 'start' })) seen.push(change);
    })();
    await store.admin.remember('two', { namespace });
    await new Promise(setImmediate);
    await store.close();
    await watching;
    expect(seen.map(brief)).toEqual(['stored one', 'stored two']);
  });

  test('ends when the store closes while the consumer is busy', async () => {
    const store = await openInMemory();
    for (let i = 0; i < 3; i++) await store.admin.remember(`note ${i}`, { namespace });
    const seen: MemoryChange[] = [];
    for await (const change of store.admin.watch({ since: 'start' })) {
      seen.push(change);
      await store.close();
    }
    expect(seen.length).toBeGreaterThanOrEqual(1);
  });

  test('ends when its store closes, even if the process has another store open in the same folder', async () => {
    const folder = await temporaryFolder();
    const stays = await openFolder(folder);
    const goes = await openFolder(folder);
    const watching = all(goes.admin.watch());
    setImmediate(() => goes.close());
    expect(await watching).toEqual([]);
    await stays.admin.remember('still open', { namespace });
  });

  test('return() resolves immediately even while next() is pending', async () => {
    const store = await openInMemory();
    const feed = store.admin.watch()[Symbol.asyncIterator]();
    const next = feed.next();
    await feed.return?.();
    expect(await next).toMatchObject({ done: true });
    expect(await feed.next()).toMatchObject({ done: true });
  });

  test('throws STORE_CLOSED after the store was closed', async () => {
    const store = await MemoryStore.inMemory();
    const handle = store.admin;
    await store.close();
    expect(await codeOf(() => all(handle.watch()))).toBe('STORE_CLOSED');
  });

  test('supports several consumers, each at its own pace', async () => {
    const store = await openInMemory();
    const feeds = Array.from({ length: 5 }, () => take(store.admin.watch(), 10));
    for (let i = 0; i < 10; i++) await store.admin.remember(`${i}`, { namespace });
    for (const changes of await Promise.all(feeds)) {
      expect(changes.map(brief)).toEqual(Array.from({ length: 10 }, (_, i) => `stored ${i}`));
    }
  });

  test('yields nothing for a write that is rejected', async () => {
    const store = await openInMemory();
    const feed = store.admin.watch();
    await codeOf(() => store.admin.remember('x', { namespace, supersedes: 'none' }));
    await codeOf(() =>
      store.admin.rememberMany(
        [
          { text: 'a', namespace },
          { text: 'b', namespace, supersedes: 'none' },
        ],
        { atomic: true },
      ),
    );
    await store.admin.remember('taken', { namespace });
    expect((await take(feed, 1)).map(brief)).toEqual(['stored taken']);
  });

  test('yields nothing for a repeated write with the same idempotency key', async () => {
    const store = await openInMemory();
    const feed = store.admin.watch();
    await store.admin.remember('one', { namespace, idempotencyKey: 'r' });
    await store.admin.remember('one', { namespace, idempotencyKey: 'r' });
    await store.admin.remember('two', { namespace });
    expect((await take(feed, 2)).map(brief)).toEqual(['stored one', 'stored two']);
  });

  test.each([
    [{ since: 'begin' }, 'INVALID_CURSOR'],
    [{ since: '' }, 'INVALID_CURSOR'],
    [{ since: 5 }, 'INVALID_INPUT'],
    [{ userId: undefined }, 'INVALID_INPUT'],
    [{ filter: {} }, 'INVALID_INPUT'],
  ])('rejects %j', async (options, code) => {
    const store = await openInMemory();
    expect(await codeOf(() => all(store.admin.watch(options as never)))).toBe(code);
  });

  test('accepts a cursor only from the same principal and scope', async () => {
    const store = await openInMemory();
    await store.admin.remember('one', { namespace, tags: ['t'] });
    const agent = store.as({ agentId: 'billing' });
    const [{ cursor } = { cursor: '' }] = await take(agent.watch({ since: 'start', tags: ['t'] }), 1);
    expect(await codeOf(() => agent.watch({ since: cursor }))).toBe('INVALID_CURSOR');
    expect(await codeOf(() => store.as({ agentId: 'other' }).watch({ since: cursor, tags: ['t'] }))).toBe(
      'INVALID_CURSOR',
    );
    await store.admin.remember('two', { namespace, tags: ['t'] });
    for (const handle of [agent, store.as({ agentId: 'billing' })]) {
      expect((await take(handle.watch({ since: cursor, tags: ['t'] }), 1)).map(brief)).toEqual(['stored two']);
    }
    expect((await take(agent.within({ tags: ['t'] }).watch({ since: cursor }), 1)).map(brief)).toEqual(['stored two']);
  });
});

describe('access to a watch', () => {
  test('is checked at delivery, so changes that the reader may no longer read are skipped', async () => {
    const folder = await temporaryFolder();
    const store = await openFolder(folder);
    const agent = store.as({ agentId: 'billing' });
    for (let i = 0; i < 3; i++) await store.admin.remember(`note ${i}`, { namespace });
    const feed = agent.watch({ since: 'start' })[Symbol.asyncIterator]();
    expect(brief((await feed.next()).value)).toBe('stored note 0');
    // Rules of a later `open` take the place of the earlier ones.
    const later = await openFolder(folder, { access: [] });
    const next = feed.next();
    const again = await openFolder(folder, { access: openToAll });
    await again.admin.remember('note 3', { namespace });
    expect(brief((await next).value)).toBe('stored note 3');
    await later.close();
  });

  test('never yields changes to private memories by other authors, nor their deletion', async () => {
    const store = await openInMemory();
    const one = store.as({ agentId: 'one' }, { namespace });
    const two = store.as({ agentId: 'two' }, { namespace });
    const feed = two.watch();
    const { id } = await one.remember('secret', { visibility: 'private' });
    await one.update(id, { priority: 1 });
    await one.forget(id);
    await one.remember('open');
    expect((await take(feed, 1)).map(brief)).toEqual(['stored open']);
    expect((await take(one.watch({ since: 'start' }), 4)).map(({ type }) => type)).toEqual([
      'stored',
      'revised',
      'forgotten',
      'stored',
    ]);
  });

  test('does not reveal how many changes others make: a cursor names only the change that the reader saw', async () => {
    const store = await openInMemory();
    await store.admin.remember('elsewhere', { namespace: ['far'], visibility: 'private' });
    const { id } = await store.admin.remember('one', { namespace });
    const [change] = await take(store.as({ agentId: 'a' }).watch({ since: 'start' }), 1);
    const payload = Buffer.from(change?.cursor ?? '', 'base64url')
      .subarray(16)
      .toString();
    expect(JSON.parse(payload)).toEqual({ id, revision: 1 });
  });
});

describe('history', () => {
  test('returns every revision of a memory, with its author and content', async () => {
    const clock = fakeClock(undefined, 1);
    const store = await openInMemory({ clock });
    const billing = store.as({ agentId: 'billing', onBehalfOf: { userId: 'u1' } }, { namespace });
    const { id } = await billing.remember('one', { key: 'k', tags: ['t'] });
    await store.as({ userId: 'u2' }).update(id, { text: 'two' });
    await store.as({ serviceId: 'cron' }).update(id, { priority: 1, tags: null });
    await store.admin.remember('other', { namespace, supersedes: id });
    const history = await billing.history(id);
    expect(history.map(({ type, revision, by, memory }) => ({ type, revision, by, text: memory?.text }))).toEqual([
      { type: 'stored', revision: 1, by: { agentId: 'billing', onBehalfOf: { userId: 'u1' } }, text: 'one' },
      { type: 'revised', revision: 2, by: { userId: 'u2' }, text: 'two' },
      { type: 'revised', revision: 3, by: { serviceId: 'cron' }, text: 'two' },
      { type: 'revised', revision: 4, by: { serviceId: 'root' }, text: 'two' },
    ]);
    expect(history.map(({ memory }) => memory?.revision)).toEqual([1, 2, 3, 4]);
    expect(history.map(({ memory }) => memory?.tags)).toEqual([['t'], ['t'], [], []]);
    expect(history.map(({ memory }) => memory?.state)).toEqual(['active', 'active', 'active', 'superseded']);
    expect(history.at(-1)?.memory).toEqual(await billing.get(id));
    // The author stays who wrote it first.
    for (const { memory } of history) expect(memory).toMatchObject({ agentId: 'billing', onBehalfOf: 'u1' });
  });

  test('returns cursors that a watch can resume from', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('one', { namespace });
    await store.admin.update(id, { text: 'two' });
    const [first] = await store.admin.history(id);
    expect((await take(store.admin.watch({ since: first?.cursor ?? '' }), 1)).map(brief)).toEqual(['revised two']);
  });

  test('is empty for a memory that does not exist or that the caller may not read', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('mine', { namespace, visibility: 'private' });
    expect(await store.admin.history('never was')).toEqual([]);
    expect(await store.as({ agentId: 'billing' }).history(id)).toEqual([]);
    expect(await issuePaths(() => store.admin.history(''))).toEqual(['id']);
  });
});
