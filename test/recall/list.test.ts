import fc from 'fast-check';
import { allow, type ListOptions, type Memory, type MemoryHandle, type MemoryPage } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { all, codeOf, issuePaths, openFolder, openInMemory, temporaryFolder } from '../store/stores';

const namespace = ['support'];

/** Every page, by the cursors alone. */
async function pages(handle: MemoryHandle, options: ListOptions): Promise<MemoryPage[]> {
  const found: MemoryPage[] = [];
  let page = await handle.list(options);
  found.push(page);
  while (page.nextCursor !== undefined) {
    page = await handle.list({ ...options, cursor: page.nextCursor });
    found.push(page);
  }
  return found;
}

describe('list', () => {
  test('returns every memory once and in order, for any times, order and page size', async () => {
    const memories = fc.array(fc.record({ createdAt: fc.nat(3), validFrom: fc.nat(3) }), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(
        memories,
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom('createdAt' as const, 'validFrom' as const),
        fc.constantFrom('newest' as const, 'oldest' as const),
        async (times, limit, orderBy, order) => {
          let now = 0;
          const store = await openInMemory({ clock: { now: () => now } });
          for (const { createdAt, validFrom } of times) {
            now = createdAt;
            await store.admin.remember('note', { namespace, validFrom: new Date(validFrom), embed: false });
          }
          const expected = (await everything(store.admin)).sort((a, b) => {
            const difference = a[orderBy].getTime() - b[orderBy].getTime() || (a.id < b.id ? -1 : 1);
            return order === 'oldest' ? difference : -difference;
          });
          const options = { limit, orderBy, order };
          const found = await pages(store.admin, options);
          expect(found.flatMap(({ items }) => items.map(({ id }) => id))).toEqual(expected.map(({ id }) => id));
          for (const { items } of found.slice(0, -1)) expect(items).toHaveLength(limit);
          // Iterated, it is the same.
          expect((await all(store.admin.list(options))).map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
          await store.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  test('defaults to 100 memories a page, the newest by creation time first', async () => {
    const clock = fakeClock(undefined, 1);
    const store = await openInMemory({ clock });
    for (let i = 0; i < 101; i++) await store.admin.remember(`note ${i}`, { namespace, embed: false });
    const { items, nextCursor } = await store.admin.list();
    expect(items).toHaveLength(100);
    expect(items[0]?.text).toBe('note 100');
    expect(nextCursor).toBeTypeOf('string');
    const rest = await store.admin.list({ cursor: nextCursor ?? '' });
    expect(rest.items.map(({ text }) => text)).toEqual(['note 0']);
    expect(rest).not.toHaveProperty('nextCursor');
  });

  test('continues after the last item of a page, even if memories were written or forgotten since that page', async () => {
    const store = await openInMemory({ clock: fakeClock(undefined, 1) });
    for (let i = 0; i < 6; i++) await store.admin.remember(`note ${i}`, { namespace });
    const first = await store.admin.list({ limit: 2 });
    await store.admin.forget(first.items[1]?.id ?? '');
    await store.admin.forget((await store.admin.list({ order: 'oldest', limit: 1 })).items[0]?.id ?? '');
    await store.admin.remember('newer', { namespace });
    const rest = await store.admin.list({ cursor: first.nextCursor ?? '' });
    expect(rest.items.map(({ text }) => text)).toEqual(['note 3', 'note 2', 'note 1']);
  });

  test('yields the remaining memories when iterated from a cursor', async () => {
    const store = await openInMemory({ clock: fakeClock(undefined, 1) });
    for (let i = 0; i < 7; i++) await store.admin.remember(`note ${i}`, { namespace });
    const { nextCursor } = await store.admin.list({ limit: 3 });
    const rest = await all(store.admin.list({ limit: 2, cursor: nextCursor ?? '' }));
    expect(rest.map(({ text }) => text)).toEqual(['note 3', 'note 2', 'note 1', 'note 0']);
  });

  test('reads nothing until the caller awaits or iterates it', async () => {
    const store = await openInMemory();
    const query = store.admin.list();
    await store.admin.remember('later', { namespace });
    expect((await query).items).toHaveLength(1);
    // Awaited once more, it looks once more.
    await store.admin.remember('still later', { namespace });
    expect((await query).items).toHaveLength(2);
  });

  test('lets the caller stop in the middle of an iteration', async () => {
    const store = await openInMemory();
    for (let i = 0; i < 10; i++) await store.admin.remember(`note ${i}`, { namespace });
    const seen: Memory[] = [];
    for await (const memory of store.admin.list({ limit: 3 })) {
      seen.push(memory);
      if (seen.length === 4) break;
    }
    expect(seen).toHaveLength(4);
  });

  test.each<[object, string[]]>([
    [{ limit: 0 }, ['limit']],
    [{ limit: 1_001 }, ['limit']],
    [{ limit: 2.5, order: 'newset', orderBy: 'created' }, ['limit', 'order', 'orderBy']],
    [{ cursor: 5, topK: 1 }, ['cursor', 'topK']],
    [{ limit: '10', include: ['forgotten'], asOf: '2026-01-01' }, ['asOf', 'include.0', 'limit']],
  ])('rejects %j with every issue', async (options, paths) => {
    const store = await openInMemory();
    expect(await issuePaths(() => store.admin.list(options as never))).toEqual(paths);
    expect(await issuePaths(() => all(store.admin.list(options as never)))).toEqual(paths);
  });
});

async function everything(handle: MemoryHandle): Promise<Memory[]> {
  return (await handle.list({ limit: 1_000 })).items;
}

describe('a cursor', () => {
  const query: ListOptions = { limit: 2, tags: ['t'], filter: { priority: { gte: 0 } } };

  async function opened() {
    const store = await openInMemory({ clock: fakeClock(undefined, 1) });
    const agent = store.as({ agentId: 'billing' }, { namespace });
    for (let i = 0; i < 8; i++) await agent.remember(`note ${i}`, { tags: ['t', 'u'], userId: 'u1' });
    const { nextCursor = '' } = await agent.list(query);
    return { store, agent, cursor: nextCursor };
  }

  test('is valid for the same query, even with another page size', async () => {
    const { agent, cursor } = await opened();
    expect((await agent.list({ ...query, cursor })).items.map(({ text }) => text)).toEqual(['note 5', 'note 4']);
    expect((await agent.list({ ...query, limit: 10, cursor })).items).toHaveLength(6);
    // The order of what is named says nothing.
    const sameFilter: ListOptions = { tags: ['t'], filter: { priority: { gte: 0 } }, limit: 2 };
    expect((await agent.list({ cursor, ...sameFilter })).items).toHaveLength(2);
  });

  test.each<[string, ListOptions]>([
    ['another filter', { ...query, filter: { priority: { gte: 0.1 } } }],
    ['no filter', { limit: 2, tags: ['t'] }],
    ['other tags', { ...query, tags: ['u'] }],
    ['another scope', { ...query, userId: 'u1' }],
    ['another namespace', { ...query, namespace: ['support', 'eu'] }],
    ['another order', { ...query, order: 'oldest' }],
    ['another time to order by', { ...query, orderBy: 'validFrom' }],
    ['asOf', { ...query, asOf: new Date(1) }],
    ['include', { ...query, include: ['expired'] }],
  ])('is INVALID_CURSOR for another query: %s', async (_, options) => {
    const { agent, cursor } = await opened();
    expect(await codeOf(() => agent.list({ ...options, cursor }))).toBe('INVALID_CURSOR');
  });

  test('throws INVALID_CURSOR for another principal or scope', async () => {
    const { store, cursor } = await opened();
    const others = [
      store.admin,
      store.as({ agentId: 'returns' }, { namespace }),
      store.as({ userId: 'billing' }, { namespace }),
      store.as({ agentId: 'billing', onBehalfOf: { userId: 'u1' } }, { namespace }),
      store.as({ agentId: 'billing' }),
      store.as({ agentId: 'billing' }, { namespace, userId: 'u1' }),
    ];
    for (const other of others) expect(await codeOf(() => other.list({ ...query, cursor }))).toBe('INVALID_CURSOR');
    expect((await store.as({ agentId: 'billing' }, { namespace }).list({ ...query, cursor })).items).toHaveLength(2);
  });

  test('throws INVALID_CURSOR in another store, and stays valid in its own store after a restart', async () => {
    const [one, two] = [await temporaryFolder(), await temporaryFolder()];
    const fill = async (folder: string) => {
      const store = await openFolder(folder);
      for (let i = 0; i < 4; i++) await store.admin.remember(`note ${i}`, { namespace });
      return store;
    };
    const first = await fill(one);
    const { nextCursor = '' } = await first.admin.list({ limit: 2 });
    const other = await fill(two);
    expect(await codeOf(() => other.admin.list({ limit: 2, cursor: nextCursor }))).toBe('INVALID_CURSOR');
    await first.close();
    const again = await openFolder(one);
    expect((await again.admin.list({ limit: 2, cursor: nextCursor })).items).toHaveLength(2);
  });

  test('throws INVALID_CURSOR if any character was altered, removed or added', async () => {
    const { agent, cursor } = await opened();
    const altered = [
      '',
      'x',
      cursor.slice(1),
      cursor.slice(0, -1),
      `${cursor}A`,
      `${cursor}=`,
      ` ${cursor}`,
      `${cursor}\n`,
      cursor.toUpperCase(),
      Buffer.from(JSON.stringify({ at: 0, id: '' })).toString('base64url'),
      ...Array.from(cursor, (each, i) => cursor.slice(0, i) + (each === 'A' ? 'B' : 'A') + cursor.slice(i + 1)),
    ];
    const taken: string[] = [];
    for (const each of altered) {
      const code = await agent.list({ ...query, cursor: each }).then(
        () => 'taken',
        ({ code }) => code,
      );
      if (code !== 'INVALID_CURSOR') taken.push(each);
    }
    expect(taken).toEqual([]);
  });

  test('from a watch throws INVALID_CURSOR in a list, and a cursor from a list throws it in a watch', async () => {
    const { agent, cursor } = await opened();
    expect(await codeOf(() => agent.watch({ since: cursor }))).toBe('INVALID_CURSOR');
    const [change] = await agent.history((await agent.list()).items[0]?.id ?? '');
    expect(await codeOf(() => agent.list({ ...query, cursor: change?.cursor ?? '' }))).toBe('INVALID_CURSOR');
  });

  test('contains only the last item that its reader saw', async () => {
    const { store, agent, cursor } = await opened();
    const { items } = await agent.list(query);
    const payload = Buffer.from(cursor, 'base64url').subarray(16).toString();
    const { createdAt, id } = items.at(-1) as Memory;
    expect(JSON.parse(payload)).toEqual({ at: createdAt.getTime(), id });
    await store.close();
  });
});

describe('count', () => {
  test('equals the number of memories that a list with the same selection returns', async () => {
    const store = await openInMemory();
    for (let i = 0; i < 12; i++) {
      await store.admin.remember(`note ${i}`, {
        namespace: i % 2 ? ['a'] : ['a', 'b'],
        tags: i % 3 ? ['x'] : ['x', 'y'],
        priority: i / 12,
        ...(i % 4 ? { userId: 'u1' } : {}),
      });
    }
    const selections = [
      {},
      { namespace: ['a', 'b'] },
      { tags: ['x', 'y'] },
      { userId: 'u1', filter: { priority: { lt: 0.5 } } },
      { namespace: ['none'] },
      { tags: [] },
      { filter: {} },
    ];
    for (const selection of selections) {
      expect(await store.admin.count(selection)).toBe((await all(store.admin.list(selection))).length);
    }
    expect(await store.admin.count({ tags: [] })).toBe(12);
  });
});

describe('namespaces', () => {
  async function opened() {
    const store = await openInMemory();
    const places = [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'd'], ['a-b'], ['z', 'y'], ['z', 'y'], ['"a'], []];
    for (const place of places) await store.admin.remember('note', { namespace: place });
    return store;
  }

  test('are listed if they contain memories, each with its number of memories', async () => {
    const store = await opened();
    expect(await store.admin.namespaces()).toEqual([
      { namespace: [], count: 1 },
      { namespace: ['"a'], count: 1 },
      { namespace: ['a'], count: 1 },
      { namespace: ['a', 'b'], count: 1 },
      { namespace: ['a', 'b', 'c'], count: 1 },
      { namespace: ['a', 'b', 'd'], count: 1 },
      { namespace: ['a-b'], count: 1 },
      { namespace: ['z', 'y'], count: 2 },
    ]);
  });

  test('deeper than `maxDepth` are counted in their ancestor at that depth', async () => {
    const store = await opened();
    expect(await store.admin.namespaces({ maxDepth: 1 })).toEqual([
      { namespace: [], count: 1 },
      { namespace: ['"a'], count: 1 },
      { namespace: ['a'], count: 4 },
      { namespace: ['a-b'], count: 1 },
      { namespace: ['z'], count: 2 },
    ]);
    expect(await store.admin.namespaces({ within: ['a'], maxDepth: 2 })).toEqual([
      { namespace: ['a'], count: 1 },
      { namespace: ['a', 'b'], count: 3 },
    ]);
  });

  test('count only memories that match a given filter', async () => {
    const store = await opened();
    await store.admin.remember('note', { namespace: ['a', 'b'], key: 'k', metadata: { done: true } });
    const taken = [{ namespace: ['a', 'b'], count: 1 }];
    expect(await store.admin.namespaces({ filter: { metadata: { done: true } } })).toEqual(taken);
    expect(await store.admin.namespaces({ within: ['z'], filter: { key: { exists: true } } })).toEqual([]);
  });

  test('are selected by `within` label by label', async () => {
    const store = await opened();
    expect((await store.admin.namespaces({ within: ['a'] })).map(({ namespace: found }) => found)).toEqual([
      ['a'],
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'b', 'd'],
    ]);
    expect(await store.admin.namespaces({ within: ['a', 'nothing'] })).toEqual([]);
  });

  test('count the memories that a list finds in the scope of the handle', async () => {
    const store = await opened();
    const handle = store.as({ agentId: 'billing' }, { namespace: ['a', 'b'] });
    expect(await handle.namespaces({ maxDepth: 2 })).toEqual([{ namespace: ['a', 'b'], count: 3 }]);
    expect(await handle.namespaces({ within: ['z'] })).toEqual([]);
    await store.admin.forgetWhere({ namespace: ['z'] }, { dryRun: false });
    await store.admin.remember('gone soon', { namespace: ['q'], expiresAt: new Date(1) });
    expect((await store.admin.namespaces()).map(({ namespace: found }) => found[0])).not.toContain('z');
    expect((await store.admin.namespaces()).map(({ namespace: found }) => found[0])).not.toContain('q');
    expect(await store.as({ agentId: 'billing' }, { namespace: ['a'], userId: 'u9' }).namespaces()).toEqual([]);
  });

  test.each<[object, string[]]>([
    [{ within: undefined }, ['within']],
    [{ within: 'a' }, ['within']],
    [{ maxDepth: 0, whitin: ['a'] }, ['maxDepth', 'whitin']],
  ])('reject %o', async (options, paths) => {
    const store = await opened();
    expect(await issuePaths(() => store.admin.namespaces(options as never))).toEqual(paths);
  });
});

test('list, count and filters return the same to a reader of a thousand namespaces as to a reader of few', async () => {
  const access = [allow({ agentId: 'many' }, 'reader', ['even']), allow({ agentId: 'few' }, 'reader', ['even', 'n2'])];
  const store = await openInMemory({ access });
  const items = Array.from({ length: 2_000 }, (_, i) => ({
    text: `note ${i}`,
    namespace: [i % 2 === 0 ? 'even' : 'odd', `n${i}`],
    priority: i % 4 === 0 ? 1 : 0,
  }));
  const { results } = await store.admin.rememberMany(items, { atomic: true });
  const ids = results.map((result) => (result.ok ? result.id : ''));
  const many = store.as({ agentId: 'many' });
  const filter = { priority: 1 };
  expect(await many.count()).toBe(1_000);
  expect(await many.count({ filter })).toBe(500);
  expect(await store.admin.count({ filter })).toBe(500);
  expect(await many.count({ filter: { not: filter } })).toBe(500);
  expect(await store.as({ agentId: 'few' }).count({ filter: { not: filter } })).toBe(1);
  expect((await many.namespaces({ maxDepth: 1 })).map(({ count }) => count)).toEqual([1_000]);
  expect((await many.list({ limit: 3, order: 'oldest' })).items.map(({ id }) => id)).toEqual([ids[0], ids[2], ids[4]]);
  // One that took the place of a memory out of reach is found, and its link is not.
  const heir = await store.admin.remember('heir', { namespace: ['even', 'n0'], supersedes: ids[1] as string });
  expect(await many.count({ filter: { supersedes: { exists: true } } })).toBe(0);
  expect(await many.get(heir.id)).not.toHaveProperty('supersedes');
  await store.admin.remember('another heir', { namespace: ['even', 'n0'], supersedes: ids[2] as string });
  expect(await many.count({ filter: { supersedes: ids[2] as string } })).toBe(1);
});
