import { InMemoryStore, InvalidNamespaceError } from '@langchain/langgraph-checkpoint';
import { allow, fromLangChain, type MemoryStore } from 'multi-agent-memory';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { describe, expect, test } from 'vitest';
import { openInMemory } from '../../store/stores';

async function opened(memory?: MemoryStore) {
  const kept = memory ?? (await openInMemory());
  const handle = kept.as({ agentId: 'planner' }, { namespace: ['team'] });
  return { handle, memory: kept, store: new MemoryHandleStore(handle) };
}

describe('put, get and delete', () => {
  test('get returns an item with its value, key, namespace and times', async () => {
    const { store } = await opened();
    await store.put(['users', '1'], 'prefs', { theme: 'dark', nested: { list: [1, 'two', null, true] } });
    const item = await store.get(['users', '1'], 'prefs');
    expect(item).toEqual({
      namespace: ['users', '1'],
      key: 'prefs',
      value: { theme: 'dark', nested: { list: [1, 'two', null, true] } },
      createdAt: expect.any(Date),
      updatedAt: item?.createdAt,
    });
  });

  test('get returns null for another key and for other namespaces, including those above and below', async () => {
    const { store } = await opened();
    await store.put(['users', '1'], 'prefs', {});
    for (const namespace of [['users'], ['users', '2'], ['users', '1', 'more'], ['prefs']]) {
      expect(await store.get(namespace, 'prefs')).toBeNull();
    }
    expect(await store.get(['users', '1'], 'pref')).toBeNull();
  });

  test('a second put replaces the whole value and keeps createdAt', async () => {
    const { store } = await opened();
    await store.put(['a'], 'k', { x: 1, y: 1 });
    const first = await store.get(['a'], 'k');
    await store.put(['a'], 'k', { x: 2 });
    const second = await store.get(['a'], 'k');
    expect(second?.value).toEqual({ x: 2 });
    expect(second?.createdAt).toEqual(first?.createdAt);
    expect(second?.updatedAt.getTime()).toBeGreaterThan(first?.updatedAt.getTime() as number);
  });

  test.each([null, undefined])(
    'put of %s deletes the item, and deleting a missing item is not an error',
    async (nothing) => {
      const { store, handle } = await opened();
      await store.put(['a'], 'k', { x: 1 });
      await store.put(['a'], 'k', nothing as never);
      expect(await store.get(['a'], 'k')).toBeNull();
      await store.put(['a'], 'k', { x: 2 });
      await store.delete(['a'], 'k');
      await store.delete(['a'], 'k');
      expect(await store.get(['a'], 'k')).toBeNull();
      expect(await handle.count()).toBe(0);
    },
  );

  test('values of any shape are returned unchanged', async () => {
    const { store } = await opened();
    const value = JSON.parse('{"":"","__proto__":{"x":1},"constructor":1,"ü.$[0]":[[],{}],"null":null,"big":1e300}');
    await store.put(['a'], 'k', value);
    expect((await store.get(['a'], 'k'))?.value).toEqual(value);
    expect(Object.hasOwn((await store.get(['a'], 'k'))?.value ?? {}, '__proto__')).toBe(true);
    // The store has a copy, so later changes of the caller's object have no effect.
    value.big = 0;
    expect((await store.get(['a'], 'k'))?.value.big).toBe(1e300);
  });

  test('an item does not collide with a memory that other code wrote with the same key', async () => {
    const { store, handle } = await opened();
    await handle.remember('written by other code', { namespace: ['team', 'a'], key: 'k' });
    expect(await store.get(['a'], 'k')).toBeNull();
    await store.put(['a'], 'k', { x: 1 });
    await store.delete(['a'], 'k');
    expect((await handle.get({ namespace: ['team', 'a'], key: 'k' }))?.text).toBe('written by other code');
  });
});

describe('search', () => {
  async function filled() {
    const { store, handle } = await opened();
    for (const [i, color] of ['red', 'blue', 'red', 'green'].entries()) {
      await store.put(['docs', i % 2 === 0 ? 'a' : 'b'], `d${i}`, {
        color,
        size: i,
        about: `${color} thing number ${i}`,
      });
    }
    await store.put(['docsy'], 'other', { color: 'red', size: 9 });
    return { store, handle };
  }
  const keys = (items: { key: string }[]) => items.map(({ key }) => key);

  test('finds items whose namespace begins with a prefix, oldest first, ten by default', async () => {
    const { store } = await filled();
    expect(keys(await store.search(['docs']))).toEqual(['d0', 'd1', 'd2', 'd3']);
    expect(keys(await store.search(['docs', 'a']))).toEqual(['d0', 'd2']);
    expect(keys(await store.search([]))).toEqual(['d0', 'd1', 'd2', 'd3', 'other']);
    expect(await store.search(['doc'])).toEqual([]);
    for (let i = 0; i < 12; i++) await store.put(['many'], `m${i}`, {});
    expect(await store.search(['many'])).toHaveLength(10);
    expect(keys(await store.search(['docs'], { limit: 2, offset: 1 }))).toEqual(['d1', 'd2']);
    expect(await store.search(['docs'], { offset: 4 })).toEqual([]);
    expect(await store.search(['docs'], { limit: 0 })).toEqual([]);
  });

  test.each([
    [{ color: 'red' }, ['d0', 'd2']],
    [{ color: { $eq: 'red' }, size: { $gt: 0 } }, ['d2']],
    [{ size: { $gte: 1, $lt: 3 } }, ['d1', 'd2']],
    [{ size: { $lte: 1 } }, ['d0', 'd1']],
    [{ color: { $ne: 'red' } }, ['d1', 'd3']],
    [{ color: { $in: ['blue', 'green'] } }, ['d1', 'd3']],
    [{ color: { $nin: ['blue', 'green'] } }, ['d0', 'd2']],
    [{ missing: { $ne: 'x' } }, ['d0', 'd1', 'd2', 'd3']],
    [{ missing: 'x' }, []],
    [{ $or: [{ color: 'blue' }, { size: { $gt: 2 } }] }, ['d1', 'd3']],
    [{ $and: [{ color: 'red' }, { size: { $gt: 0 } }] }, ['d2']],
    [{ $not: { color: 'red' } }, ['d1', 'd3']],
    [{ color: 'red', $or: [{ size: 2 }, { size: 1 }] }, ['d2']],
    [{ $not: { $or: [{ color: 'blue' }, { $and: [{ color: 'red' }, { size: 0 }] }] } }, ['d2', 'd3']],
    [{ color: { $not: { $in: ['red', 'blue'] } } }, ['d3']],
    [{ size: { $or: [{ $lt: 1 }, { $gt: 2 }, 1] } }, ['d0', 'd1', 'd3']],
    [{ size: { $and: [{ $gt: 0 }, { $not: 2 }] } }, ['d1', 'd3']],
    [{ size: { $exists: true }, missing: { $exists: false } }, ['d0', 'd1', 'd2', 'd3']],
    [{ $or: [{ missing: { $exists: true } }, { color: null }] }, []],
    [{ $not: { color: { $in: [null, 'red'] } } }, ['d1', 'd3']],
    [{ $or: [{ color: { $in: [null, 'green'] } }, { size: { $lt: 1 } }] }, ['d0', 'd3']],
  ])('the filter %j finds %j, with and without a query', async (filter, expected) => {
    const { store } = await filled();
    expect(keys(await store.search(['docs'], { filter }))).toEqual(expected);
    const ranked = await store.search(['docs'], { filter, query: 'a green thing' });
    expect(keys(ranked).sort()).toEqual(expected);
  });

  test('null, lists and objects match equal values', async () => {
    const { store } = await opened();
    await store.put(['a'], 'null', { v: null });
    await store.put(['a'], 'absent', {});
    await store.put(['a'], 'list', { v: [1, { x: null }] });
    await store.put(['a'], 'object', { v: { p: 1, q: 'two' } });
    const find = async (v: unknown) => keys(await store.search(['a'], { filter: { v } }));
    expect(await find(null)).toEqual(['null']);
    expect(await find([1, { x: null }])).toEqual(['list']);
    expect(await find({ q: 'two', p: 1 })).toEqual(['object']);
    expect(await find({ $ne: null })).toEqual(['absent', 'list', 'object']);
    expect(await find({ $in: [null, 'x'] })).toEqual(['null']);
    expect(await find({ $nin: [[1, { x: null }], null] })).toEqual(['absent', 'object']);
  });

  test('a path with dots finds nested values, unless the value has a key that is equal to the whole path', async () => {
    const { store } = await opened();
    await store.put(['a'], 'nested', { details: { category: 'x', size: { n: 2 } }, tags: ['p', 'q'] });
    await store.put(['a'], 'other', { details: { category: 'y', size: { n: 5 } } });
    await store.put(['a'], 'literal', { 'details.category': 'x', details: { category: 'y' } });
    await store.put(['a'], 'flat', { details: 'x' });
    const find = async (filter: Record<string, unknown>) => keys(await store.search(['a'], { filter })).join(' ');
    expect(await find({ 'details.category': 'x' })).toBe('nested literal');
    expect(await find({ 'details.category': { $in: ['y', 'z'] } })).toBe('other');
    expect(await find({ 'details.category': { $ne: 'x' } })).toBe('other flat');
    expect(await find({ 'details.size.n': { $gt: 2 } })).toBe('other');
    expect(await find({ 'details.size.n': { $lte: 2, $gte: 2 } })).toBe('nested');
    expect(await find({ 'details.size': { n: 2 } })).toBe('nested');
    expect(await find({ 'details.size': { $exists: false } })).toBe('literal flat');
    expect(await find({ 'tags.1': 'q' })).toBe('nested');
    expect(await find({ $not: { 'details.category': 'x' }, $or: [{ details: 'x' }, { 'details.size.n': 5 }] })).toBe(
      'other flat',
    );
    const ranked = await store.search(['a'], { filter: { 'details.category': 'x' }, query: 'category y' });
    expect(keys(ranked).sort()).toEqual(['literal', 'nested']);
  });

  test('comparisons with a path work like comparisons with a key', async () => {
    const { store } = await opened();
    const values = ['a', 'b', '\uffff', '\u{1f600}', '', '1', 0, 1, -1, 1.5, true, false, null, [1], { p: 1 }];
    for (const [i, v] of values.entries()) await store.put(['a'], `k${i}`, { v, in: { v } });
    const operators = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'];
    for (const operator of operators)
      for (const operand of values.filter((each) => typeof each !== 'object')) {
        const [key, path] = ['v', 'in.v'].map((field) => ({ [field]: { [operator]: operand } }));
        const found = keys(await store.search(['a'], { filter: path ?? {}, limit: 50 }));
        expect(found, `${operator} ${operand}`).toEqual(
          keys(await store.search(['a'], { filter: key ?? {}, limit: 50 })),
        );
      }
  });

  test('a filter that matches few of many items finds all of them', async () => {
    const { store, handle } = await opened();
    await handle.rememberMany(
      Array.from({ length: 1_500 }, (_, i) => ({
        text: `the weather in spring ${i}`,
        namespace: ['team', 'a'],
        key: `langgraph:${i}`,
        metadata: { v: i % 500 === 7 ? null : 'x' },
      })),
    );
    await handle.rememberMany(
      Array.from({ length: 40 }, () => ({ text: 'the weather in spring', namespace: ['team'] })),
    );
    const query = 'weather in spring';
    const found = await store.search([], { query, filter: { v: null }, limit: 5 });
    expect(keys(found).sort()).toEqual(['1007', '507', '7']);
    // Memories that are not items do not count against the limit.
    expect(await store.search([], { query, limit: 20 })).toHaveLength(20);
    expect(new Set(keys(await store.search([], { query, limit: 1_400, offset: 50 }))).size).toBe(1_400);
  }, 60_000);

  test('a query ranks items by meaning and by words, and puts unindexed items last without a score', async () => {
    const { store } = await opened();
    await store.put(['a'], 'cat', { text: 'The cat sleeps on the sofa.' });
    await store.put(['a'], 'hidden', { text: 'The cat and the invoice.' }, false);
    await store.put(['a'], 'invoice', { text: 'The invoice is overdue.', note: 'secret' }, ['text']);
    const found = await store.search(['a'], { query: 'overdue invoice' });
    expect(keys(found)).toEqual(['invoice', 'cat', 'hidden']);
    expect(found.map(({ score }) => typeof score)).toEqual(['number', 'number', 'undefined']);
    expect(keys(await store.search(['a'], { query: 'secret', limit: 1 }))).not.toContain('hidden');
    expect((await store.search(['a'], { query: ' ' })).map(({ score }) => score)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    await store.put(['a'], 'cat', { text: 'unindexed now' }, false);
    expect((await store.search(['a'], { query: 'cat sofa' })).map(({ key, score }) => [key, typeof score])).toEqual([
      ['invoice', 'number'],
      ['cat', 'undefined'],
      ['hidden', 'undefined'],
    ]);
  });

  test('`limit` and `offset` count ranked and unindexed items, after the filter', async () => {
    const { store } = await opened();
    for (const [key, index] of [
      ['u1', false],
      ['i1', ['text']],
      ['u2', []],
      ['i2', ['text']],
      ['u3', ['missing']],
    ] as const) {
      await store.put(['a'], key, { text: key === 'i1' ? 'match' : 'other', shown: true }, index as never);
    }
    await store.put(['a'], 'hidden', { text: 'match', shown: false });
    const all = ['i1', 'i2', 'u1', 'u2', 'u3'];
    for (let offset = 0; offset <= 6; offset++) {
      const found = await store.search(['a'], { query: 'match', filter: { shown: true }, offset, limit: 2 });
      expect(keys(found)).toEqual(all.slice(offset, offset + 2));
    }
  });

  test('index paths can name nested fields, list elements and several fields', async () => {
    const { store, handle } = await opened();
    const value = {
      name: 'test',
      info: { age: 25 },
      items: [{ tags: ['x', 'y'] }, { tags: ['z'] }],
      numbers: [0, '0'],
    };
    const textOf = async (...index: string[]) => {
      await store.put(['a'], 'k', value, index);
      return (await handle.list()).items[0]?.text.split('\n\f\n');
    };
    expect(await textOf('items[*].tags[*]')).toEqual(['x', 'y', 'z']);
    expect(await textOf('items[-1].tags[0]', 'info.age')).toEqual(['z', '25']);
    expect(await textOf('{name,info.age}')).toEqual(['test', '25']);
    expect(await textOf('$')).toEqual([JSON.stringify(value, null, 2)]);
    expect(await textOf('items[7].tags', 'name.first', 'toString')).toEqual(['{…}']);
  });

  test('each indexed text is embedded separately, so that a short text is found among long texts', async () => {
    const embedded: string[] = [];
    const embeddings = {
      embedDocuments: async (texts: string[]) => {
        embedded.push(...texts);
        return texts.map((text) => (text.startsWith('Refund') ? [1, 0] : [0, 1]));
      },
      embedQuery: async () => [1, 0],
    };
    const memory = await openInMemory({ embedder: fromLangChain(embeddings, { model: 'm', dimensions: 2 }) });
    const store = new MemoryHandleStore(memory.admin);
    const summary = 'How long a customer waits for money to come back.';
    await store.put(['a'], 'two', { title: 'Refund policy', summary, tags: ['x', 'y'] }, [
      'title',
      'summary',
      'tags[*]',
    ]);
    expect(embedded.sort()).toEqual([summary, 'Refund policy', 'x', 'y']);
    await store.put(['a'], 'one', { summary }, ['summary']);
    const found = await store.search(['a'], { query: 'zzz' });
    expect(keys(found)).toEqual(['two', 'one']);
    // The best vector counts: that of the title alone equals the query.
    expect(found[0]?.score).toBeGreaterThan(0.4);
    expect(found[1]?.score).toBeLessThan(0.1);
  });

  test('the option `fields` sets the index paths for items that are stored without `index`', async () => {
    const memory = await openInMemory();
    const store = new MemoryHandleStore(memory.admin, { fields: ['title', 'parts[*].text'] });
    await store.put(['a'], 'k', { title: 'On cats', parts: [{ text: 'one' }, { text: 'two' }], owner: 'mori' });
    expect((await memory.admin.list()).items[0]?.text).toBe('On cats\n\f\none\n\f\ntwo');
    expect(await memory.admin.recall('mori', { mode: 'keyword' })).toEqual([]);
  });
});

describe('listNamespaces', () => {
  async function filled() {
    const { store, handle, memory } = await opened();
    for (const namespace of [
      ['a', 'b', 'c'],
      ['a', 'b', 'd', 'e'],
      ['a', 'b', 'd', 'i'],
      ['a', 'b', 'f'],
      ['a', 'c', 'f'],
      ['b'],
    ]) {
      await store.put(namespace, 'k', {});
    }
    await handle.remember('not an item', { namespace: ['team', 'z'] });
    await memory.admin.remember('elsewhere', { namespace: ['a'], key: 'langgraph:k' });
    return store;
  }

  test.each([
    [{}, 6],
    [{ prefix: ['a', 'b'] }, 4],
    [{ suffix: ['f'] }, 2],
    [{ prefix: ['a'], suffix: ['f'] }, 2],
    [{ prefix: ['a', '*', 'f'] }, 2],
    [{ suffix: ['*', 'f'] }, 2],
    [{ prefix: ['a'], maxDepth: 3 }, 4],
    [{ maxDepth: 1 }, 2],
    [{ prefix: ['*'], limit: 2, offset: 1 }, 2],
    [{ offset: 6 }, 0],
    [{ prefix: ['a', 'b', 'c', 'd', 'e'] }, 0],
  ])('%j lists %i namespaces, like InMemoryStore', async (options, count) => {
    const store = await filled();
    const reference = new InMemoryStore();
    for (const { namespace, key } of await store.search([], { limit: 100 })) await reference.put(namespace, key, {});
    const listed = await store.listNamespaces(options);
    expect(listed).toHaveLength(count);
    expect(listed).toEqual(await reference.listNamespaces(options));
  });

  test('a namespace whose last item was deleted is not listed', async () => {
    const store = await filled();
    await store.delete(['b'], 'k');
    expect(await store.listNamespaces({ maxDepth: 1 })).toEqual([['a']]);
  });
});

describe('batch', () => {
  test('runs operations and returns their results in order', async () => {
    const { store } = await opened();
    const results = await store.batch([
      { namespace: ['a'], key: 'k' },
      { namespace: ['a'], key: 'k', value: { n: 1 } },
      { namespace: ['a'], key: 'k' },
      { namespace: ['a'], key: 'k', value: { n: 2 } },
      { namespacePrefix: ['a'] },
      { namespace: ['a'], key: 'k', value: null },
      { matchConditions: [], limit: 10, offset: 0 },
    ] as never);
    expect(results).toMatchObject([
      null,
      undefined,
      { value: { n: 1 } },
      undefined,
      [{ value: { n: 2 } }],
      undefined,
      [],
    ]);
    expect(await store.batch([])).toEqual([]);
  });

  test('a failed operation does not stop the others, and the batch rejects with its error', async () => {
    const memory = await openInMemory({ access: [allow('everyone', 'writer', ['mine'])] });
    const store = new MemoryHandleStore(memory.as({ agentId: 'a' }));
    const forbidden = { namespace: ['theirs'], key: 'k', value: {} };
    const failing = store.batch([forbidden, { namespace: ['mine'], key: 'k', value: {} }]);
    await expect(failing).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await store.get(['mine'], 'k')).not.toBeNull();
    const both = store.batch([forbidden, { namespace: ['mine'], key: 'k' }, { ...forbidden, key: 'l' }]);
    await expect(both).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('2 of 3') });
  });

  test('a batch with an invalid operation runs no operation', async () => {
    const { store } = await opened();
    const put = { namespace: ['a'], key: 'k', value: {} };
    await expect(store.batch([put, { namespace: ['a.b'], key: 'k' }])).rejects.toThrow(InvalidNamespaceError);
    const invalid = [
      { namespacePrefix: ['a'], filter: { x: { $near: 1 } } },
      { ...put, index: ['a['] },
      { nonsense: 1 } as never,
    ];
    for (const each of invalid) await expect(store.batch([put, each])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await store.get(['a'], 'k')).toBeNull();
  });
});

test('start and stop can be called, and a LangChain embedder can be used', async () => {
  const embeddings = {
    embedDocuments: async (texts: string[]) => texts.map(vector),
    embedQuery: async (text: string) => vector(text),
  };
  const memory = await openInMemory({ embedder: fromLangChain(embeddings, { model: 'letters', dimensions: 3 }) });
  const { store } = await opened(memory);
  await store.start();
  await store.put(['a'], '1', { text: 'xxx' }, ['text']);
  await store.put(['a'], '2', { text: 'yyy' }, ['text']);
  expect((await store.search(['a'], { query: 'y', limit: 1 })).map(({ key }) => key)).toEqual(['2']);
  await store.stop();
});

function vector(text: string): number[] {
  return ['x', 'y', 'z'].map((letter) => text.split(letter).length - 0.9);
}
