import { InMemoryStore, InvalidNamespaceError } from '@langchain/langgraph-checkpoint';
import { MemoryError } from 'multi-agent-memory';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { describe, expect, test } from 'vitest';
import { issuePaths, openInMemory } from '../../store/stores';

async function opened() {
  const memory = await openInMemory();
  return { memory, store: new MemoryHandleStore(memory.as({ agentId: 'a' })) };
}

describe('namespaces', () => {
  test.each([[[]], [['a.b']], [['a', '']], [['a:b']], [['a\0b']], [['langgraph', 'x']], [['a', 7]]])(
    'put to %j throws the same error as InMemoryStore',
    async (namespace) => {
      const { store } = await opened();
      const theirs = await caught(() => new InMemoryStore().put(namespace as string[], 'k', {}));
      const ours = await caught(() => store.put(namespace as string[], 'k', {}));
      expect(ours).toBeInstanceOf(InvalidNamespaceError);
      expect((ours as Error).message).toBe((theirs as Error).message);
    },
  );

  test.each([[['a.b']], [['']]])('get, delete, search and listNamespaces reject %j', async (namespace) => {
    const { store } = await opened();
    for (const read of [
      () => store.get(namespace, 'k'),
      () => store.delete(namespace, 'k'),
      () => store.search(namespace),
      () => store.listNamespaces({ prefix: namespace }),
      () => store.listNamespaces({ suffix: namespace }),
      () => store.batch([{ namespacePrefix: namespace }]),
    ]) {
      expect(await caught(read)).toBeInstanceOf(InvalidNamespaceError);
    }
  });

  test('get and delete with an empty namespace behave like InMemoryStore', async () => {
    const { store } = await opened();
    for (const [ours, theirs] of [
      [() => store.get([], 'k'), () => new InMemoryStore().get([], 'k')],
      [() => store.delete([], 'k'), () => new InMemoryStore().delete([], 'k')],
    ] as const) {
      expect(await caught(ours)).toEqual(await caught(theirs));
    }
  });

  test('a namespace over the limits of the memory store is an InvalidNamespaceError with a MemoryError as its cause', async () => {
    const { store } = await opened();
    const deep = Array.from({ length: 17 }, () => 'a');
    for (const namespace of [deep, ['a'.repeat(513)], ['\ud800']]) {
      for (const call of [
        () => store.put(namespace, 'k', {}),
        () => store.get(namespace, 'k'),
        () => store.search(namespace),
        () => store.listNamespaces({ prefix: namespace }),
      ]) {
        const error = await caught(call);
        expect(error).toBeInstanceOf(InvalidNamespaceError);
        expect(MemoryError.is((error as Error).cause)).toBe(true);
      }
    }
  });

  test('a namespace that is not a list is an InvalidNamespaceError', async () => {
    const { store } = await opened();
    expect(await caught(() => store.batch([{ namespace: 'ab' as never, key: 'k' }]))).toBeInstanceOf(
      InvalidNamespaceError,
    );
  });
});

describe('invalid options and operations', () => {
  test('unknown options and fields are rejected by name', async () => {
    const { store, memory } = await opened();
    expect(await issuePaths(() => store.search(['a'], { offest: 1 } as never))).toEqual(['offest']);
    expect(await issuePaths(() => store.search(['a'], { mode: 'text' } as never))).toEqual(['mode']);
    expect(await issuePaths(() => store.listNamespaces({ depth: 1 } as never))).toEqual(['depth']);
    expect(await issuePaths(() => store.batch([{ namespace: ['a'], key: 'k', value: {}, ttl: 1 } as never]))).toEqual([
      'ttl',
    ]);
    const put = store.put as (...given: unknown[]) => Promise<void>;
    expect(await issuePaths(() => put.call(store, ['a'], 'k', {}, false, { ttl: 1 }))).toEqual(['']);
    expect(() => new MemoryHandleStore(memory.admin, { index: {} } as never)).toThrow(
      /^Invalid index: unknown option "index"\. Known options: fields\.$/,
    );
    expect(() => new MemoryHandleStore(memory.admin, { fields: ['a['] })).toThrow(/expected a path/);
    expect(() => new MemoryHandleStore(memory.admin, { fields: 'title' } as never)).toThrow(/list of paths/);
    expect(await memory.admin.count()).toBe(0);
  });

  test.each([
    [{ limit: -1 }, 'limit'],
    [{ limit: 1.5 }, 'limit'],
    [{ offset: Number.NaN }, 'offset'],
    [{ query: 7 }, 'query'],
  ])('search with %j is rejected', async (options, path) => {
    const { store } = await opened();
    expect(await issuePaths(() => store.search(['a'], options as never))).toEqual([path]);
  });

  test.each([
    [{ a: { $regex: 'x' } }, 'filter.a.$regex'],
    [{ a: { $gt: 1, b: 2 } }, 'filter.a.b'],
    [{ a: {} }, 'filter.a'],
    [{ a: undefined }, 'filter.a'],
    [{ a: { $in: 'x' } }, 'filter.a.$in'],
    [{ a: { $nin: undefined } }, 'filter.a.$nin'],
    [{ a: { $gt: null } }, 'filter.a.$gt'],
    [{ a: { $gt: [1] } }, 'filter.a.$gt'],
    [{ a: Number.NaN }, 'filter.a'],
    [{ a: { $in: [() => 1] } }, 'filter.a.$in'],
    [{ a: { $lt: new Date(Number.NaN) } }, 'filter.a.$lt'],
    [{ 'a.b': { $lt: new Date(Number.NaN) } }, 'filter.a.b.$lt'],
    [{ a: { $exists: 1 } }, 'filter.a.$exists'],
    [{ $nor: [{ a: 1 }] }, 'filter.$nor'],
    [{ $or: [] }, 'filter.$or'],
    [{ $and: { a: 1 } }, 'filter.$and'],
    [{ $or: [{ a: 1 }, {}] }, 'filter.$or.1'],
    [{ $or: [{ a: 1 }, null] }, 'filter.$or.1'],
    [{ $not: [{ a: 1 }] }, 'filter.$not'],
    [{ $and: [{ $or: [{ a: { $regex: 'x' } }] }] }, 'filter.$and.0.$or.0.a.$regex'],
    [{ a: { $not: { $regex: 'x' } } }, 'filter.a.$not.$regex'],
    [{ a: { $or: [] } }, 'filter.a.$or'],
    [new Map([['a', 1]]), 'filter'],
    [[{ a: 1 }], 'filter'],
    ['a', 'filter'],
    [Promise.resolve({ a: 1 }), 'filter'],
  ])('the filter %j is rejected', async (filter, path) => {
    const { store } = await opened();
    expect(await issuePaths(() => store.search(['a'], { filter } as never))).toEqual([path]);
  });

  test('a filter that contains itself is rejected', async () => {
    const { store } = await opened();
    const filter: Record<string, unknown> = {};
    filter.$not = filter;
    await expect(store.search(['a'], { filter })).rejects.toThrow(/levels of nesting/);
    const condition: Record<string, unknown> = {};
    condition.$not = condition;
    await expect(store.search(['a'], { filter: { a: condition } })).rejects.toThrow(/levels of nesting/);
  });

  test.each([[[7]], ['title'], [['a[b]']], [['']], [['a{']]])('the index %j is rejected', async (index) => {
    const { store } = await opened();
    expect(await issuePaths(() => store.put(['a'], 'k', {}, index as never))).toEqual(['index']);
  });

  test('listNamespaces with invalid conditions is rejected with every issue', async () => {
    const { store } = await opened();
    const list = { matchConditions: [{ matchType: 'infix', path: 'a' }], maxDepth: 0, limit: 1, offset: 0 };
    expect(await issuePaths(() => store.batch([list as never]))).toEqual([
      'matchConditions.0.matchType',
      'matchConditions.0.path',
      'maxDepth',
    ]);
  });
});

describe('values', () => {
  test.each([
    [{ at: new Date(0) }, 'value.at'],
    [{ f: () => 1 }, 'value.f'],
    [{ n: Number.NaN }, 'value.n'],
    [{ u: undefined }, 'value.u'],
    [{ b: new DataView(new ArrayBuffer(1)) }, 'value.b'],
    [{ at: new Date(0), long: 'x'.repeat(70_000) }, 'value'],
    [[1, 2], 'value'],
    ['text', 'value'],
    [{ long: 'x'.repeat(1_000_000) }, 'value'],
  ])('a value that JSON cannot hold or that is over the limits is rejected', async (value, path) => {
    const { store, memory } = await opened();
    expect(await issuePaths(() => store.put(['a'], 'k', value as never))).toEqual([path]);
    expect(await memory.admin.count()).toBe(0);
  });

  test('single fields of a long value cannot be indexed', async () => {
    const { store, memory } = await opened();
    const long = { title: 'x', body: 'x'.repeat(70_000) };
    expect(await issuePaths(() => store.put(['a'], 'k', long, ['title']))).toEqual(['index']);
    expect(await memory.admin.count()).toBe(0);
  });

  test('a higher limit of the memory store allows larger values', async () => {
    const memory = await openInMemory({ limits: { metadataBytes: 1_000_000 } });
    const store = new MemoryHandleStore(memory.admin);
    await store.put(['a'], 'k', { long: 'x'.repeat(70_000) });
    expect((await store.get(['a'], 'k'))?.value.long).toHaveLength(70_000);
  });

  test('invalid keys are rejected', async () => {
    const { store } = await opened();
    expect(await issuePaths(() => store.put(['a'], 7 as never, {}))).toEqual(['key']);
    expect(await issuePaths(() => store.put(['a'], 'k'.repeat(600), {}))).toEqual(['key']);
  });
});

async function caught(call: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('The call did not fail.');
}
