import fc from 'fast-check';
import type { Filter, FilterField, Json, Memory, MemoryStore, NewMemory, Principal } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { all, issuePaths, openInMemory, refusal } from '../store/stores';
import { matches } from './filter-reference';

const texts = [
  ...['', 'a', 'A', 'ab', 'b', "it's", '%', '_', '"', 'a.b', '\\', '1', 'true', 'null', "'; drop table memories; --"],
  ...['\0', 'a\0b', '😀', '\ufffd', '\uffff', 'é', 'e\u0301', '[1]', '{}', '2026-01-01T00:00:00.000Z'],
];
const names = texts.filter((text) => text !== '');
const numbers = [0, 1, -1, 1.5, 0.1 + 0.2, 2 ** 53, 2 ** 60, -(2 ** 62), 1e21, 5e-324, -1.7976931348623157e308, 0.5];
const metadataKeys = [
  'a',
  'b',
  'a.b',
  '$',
  '$.a',
  'a[0]',
  '"',
  "'",
  '',
  '__proto__',
  'constructor',
  '😀',
  '\0',
  '\ufffd',
];
const times = [0, 1, 2, 3].map((day) => Date.UTC(2026, 0, 1 + day));

const text = fc.constantFrom(...texts);
const name = fc.constantFrom(...names);
// A stored name cannot have control characters.
const storedName = fc.constantFrom(...names.filter((each) => !each.includes('\0')));
const number = fc.oneof(fc.constantFrom(...numbers), fc.double({ noNaN: true, noDefaultInfinity: true }));
const time = fc.constantFrom(...times);
const scalarJson: fc.Arbitrary<Json> = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const anyJson: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: scalarJson },
  { weight: 2, arbitrary: fc.array(scalarJson, { maxLength: 3 }) },
  fc.constantFrom<Json>({ a: 1 }, {}, [[1]], [{ a: 'a' }]),
);

/** An object with these entries as its own, whatever they are called. */
function objectOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc
    .array(fc.tuple(fc.constantFrom(...metadataKeys), value), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries));
}

interface Written {
  readonly memory: Omit<NewMemory, 'namespace'>;
  readonly by: Principal | 'root';
  readonly at: number;
  /** Which of the memories written before it takes the place of. */
  readonly supersedes: number | undefined;
}

const principals: (Principal | 'root')[] = [
  'root',
  { agentId: 'a' },
  { agentId: 'b', onBehalfOf: { userId: 'a' } },
  { userId: 'a' },
  { serviceId: 'b' },
];

const written: fc.Arbitrary<Written> = fc.record({
  memory: fc.record(
    {
      text: name.map((word) => `note ${word}`),
      kind: fc.constantFrom('episodic' as const, 'semantic' as const, 'summary' as const),
      tags: fc.array(storedName, { maxLength: 3 }),
      priority: fc.constantFrom(0, 0.5, 1),
      metadata: objectOf(anyJson),
      validFrom: time,
      validTo: fc.constant(Date.UTC(2026, 1)),
      expiresAt: time,
      visibility: fc.constantFrom('shared' as const, 'private' as const),
      userId: storedName,
      sessionId: storedName,
      key: storedName,
    },
    { requiredKeys: ['text'] },
  ),
  by: fc.constantFrom(...principals),
  at: time,
  supersedes: fc.option(fc.nat(20), { nil: undefined }),
});

const textFields: FilterField[] = ['id', 'key', 'userId', 'sessionId', 'agentId', 'onBehalfOf', 'kind', 'state'];
const moreTextFields: FilterField[] = ['visibility', 'supersedes', 'supersededBy'];
const timeFields: FilterField[] = ['createdAt', 'updatedAt', 'validFrom', 'validTo', 'expiresAt'];

function conditionOn<T>(operand: fc.Arbitrary<T>, operators: readonly string[]): fc.Arbitrary<unknown> {
  const one = fc.oneof(operand, fc.constant(null));
  const by: Record<string, fc.Arbitrary<unknown>> = {
    eq: one,
    ne: one,
    startsWith: idLike,
    in: fc.array(one, { maxLength: 4 }),
    nin: fc.array(one, { maxLength: 4 }),
    exists: fc.boolean(),
    ...Object.fromEntries(['gt', 'gte', 'lt', 'lte', 'contains'].map((operator) => [operator, operand])),
  };
  const chosen = fc.subarray([...operators], { minLength: 1, maxLength: 3 });
  const several = chosen.chain((list) => fc.record(Object.fromEntries(list.map((each) => [each, by[each] as never]))));
  return fc.oneof(one, several);
}

const equality = ['eq', 'ne', 'in', 'nin', 'exists'];
const ordering = [...equality, 'gt', 'gte', 'lt', 'lte'];
const idLike = fc.oneof(
  name,
  fc.constantFrom('semantic', 'superseded', 'active', 'private', 'shared', '00000000-0000-7000-8000-000000000003'),
);
const ofText = conditionOn(idLike, [...ordering, 'contains', 'startsWith']);
const ofList = conditionOn(name, [...equality, 'contains']);
const ofNumber = conditionOn(number, ordering);
const ofTime = conditionOn(
  fc
    .oneof(
      time.map((at) => new Date(at)),
      time,
      time.map((at) => new Date(at).toISOString()),
    )
    .map((at) => new Date(at)),
  ordering,
);
const ofMetadata = conditionOn(
  fc.oneof(
    text,
    number,
    fc.boolean(),
    time.map((at) => new Date(at)),
  ),
  [...ordering, 'contains', 'startsWith'],
);
const namespace = fc.constantFrom(...[[], ['a'], ['b'], ['a/b'], ['a', 'b'], ['a', 'b', 'n1'], ['b', 'n2'], ['other']]);
const ofNamespace = fc.oneof(
  namespace,
  fc.record(
    { ...{ eq: namespace, ne: namespace, startsWith: namespace }, in: fc.array(namespace), nin: fc.array(namespace) },
    { requiredKeys: [] },
  ),
);

const fieldCondition: fc.Arbitrary<Filter> = fc.oneof(
  entry(fc.constantFrom(...textFields, ...moreTextFields), ofText),
  entry(fc.constantFrom<FilterField>('tags', 'accessTags'), ofList),
  entry(fc.constantFrom<FilterField>('priority', 'revision'), ofNumber),
  entry(fc.constantFrom(...timeFields), ofTime),
  entry(
    fc.constant('namespace'),
    ofNamespace.filter((condition) => Object.keys(condition).length > 0),
  ),
  entry(
    fc.constant('text'),
    name.map((contains) => ({ contains })),
  ),
  { weight: 3, arbitrary: objectOf(ofMetadata).map((metadata) => ({ metadata }) as Filter) },
);

function entry(key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<Filter> {
  return fc.tuple(key, value).map(([field, condition]) => ({ [field]: condition }) as Filter);
}

const filter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
    fieldCondition,
    fc.tuple(fieldCondition, fieldCondition).map(([a, b]) => ({ ...a, ...b })),
    fc.array(tie('filter'), { maxLength: 3 }).map((and) => ({ and })),
    fc.array(tie('filter'), { maxLength: 3 }).map((or) => ({ or })),
    tie('filter').map((not) => ({ not })),
  ),
})).filter;

const include = ['expired', 'superseded'] as const;
const places = [['a', 'b'], ['b'], ['a/b']];

async function write(store: MemoryStore, clock: { now: number }, memories: readonly Written[]): Promise<Memory[]> {
  const ids: string[] = [];
  for (const [i, { memory, by, at, supersedes }] of memories.entries()) {
    clock.now = at;
    const handle = by === 'root' ? store.admin : store.as(by);
    const target = supersedes === undefined || memory.visibility === 'private' ? undefined : ids[supersedes];
    const options = {
      ...memory,
      namespace: [...places[i % 3]!, `n${i}`],
      ...(by === 'root' && i % 2 === 0 ? { accessTags: ['a'] } : {}),
    };
    const { text: content, ...rest } = options;
    const remembered = await handle
      .remember(content, target === undefined ? rest : { ...rest, supersedes: target })
      // Superseded already, or private to somebody else: then without.
      .catch(() => handle.remember(content, rest));
    ids.push(remembered.id);
  }
  clock.now = Date.UTC(2026, 0, 3);
  return all(store.admin.list({ include }));
}

describe('a filter', () => {
  test('finds the same memories as the reference filter, for every field, operator, kind of metadata and nesting', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(written, { minLength: 1, maxLength: 10 }),
        fc.array(filter, { minLength: 12, maxLength: 12 }),
        async (memories, filters) => {
          const clock = { now: 0 };
          const store = await openInMemory({ clock: { now: () => clock.now } });
          const everything = await write(store, clock, memories);
          for (const each of filters) {
            const expected = everything.filter((memory) => matches(memory, each)).map(({ id }) => id);
            const selection = { filter: each, include };
            const found = await all(store.admin.list(selection));
            expect(found.map(({ id }) => id)).toEqual(expected);
            expect(await store.admin.count(selection)).toBe(expected.length);
            const hits = await store.admin.recall('note', { ...selection, mode: 'keyword', topK: 100 });
            expect(hits.map(({ id }) => id).sort()).toEqual([...expected].sort());
          }
          await store.close();
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  test('and its negation together match each memory exactly once', async () => {
    const clock = { now: 0 };
    const store = await openInMemory({ clock: { now: () => clock.now } });
    const everything = await write(store, clock, fc.sample(written, { numRuns: 25, seed: 7 }));
    await fc.assert(
      fc.asyncProperty(filter, async (each) => {
        const [held, not] = await Promise.all([
          store.admin.count({ filter: each, include }),
          store.admin.count({ filter: { not: each }, include }),
        ]);
        expect(held + not).toBe(everything.length);
      }),
      { numRuns: 150 },
    );
  });

  test('matches every memory with an empty `and`, and no memory with an empty `or`', async () => {
    const store = await openInMemory();
    await store.admin.remember('note', { namespace: ['n'] });
    const count = (each: Filter) => store.admin.count({ filter: each });
    expect(await count({})).toBe(1);
    expect(await count({ and: [] })).toBe(1);
    expect(await count({ or: [] })).toBe(0);
    expect(await count({ not: {} })).toBe(0);
    expect(await count({ id: { in: [] } })).toBe(0);
    expect(await count({ id: { nin: [] } })).toBe(1);
  });

  test('matches an absent field with `ne` and `nin`, and with no other comparison', async () => {
    const store = await openInMemory();
    await store.admin.remember('note', { namespace: ['n'], metadata: { nothing: null } });
    const count = (each: Filter) => store.admin.count({ filter: each });
    for (const absent of [
      { userId: { ne: 'u' } },
      { metadata: { a: { ne: 1 } } },
      { metadata: { nothing: { nin: [1] } } },
    ]) {
      expect(await count(absent)).toBe(1);
    }
    for (const operator of ['eq', 'gt', 'gte', 'lt', 'lte', 'contains']) {
      expect(await count({ userId: { [operator]: 'u' } })).toBe(0);
      expect(await count({ metadata: { a: { [operator]: 'u' } } })).toBe(0);
    }
    for (const absence of [null, { eq: null }, { in: [null] }, { exists: false }]) {
      expect(await count({ userId: absence })).toBe(1);
      expect(await count({ tags: absence })).toBe(1);
      expect(await count({ metadata: { a: absence } })).toBe(1);
      expect(await count({ metadata: { nothing: absence } })).toBe(1);
      expect(await count({ kind: absence })).toBe(0);
    }
    for (const presence of [{ ne: null }, { nin: [null] }, { exists: true }]) {
      expect(await count({ userId: presence })).toBe(0);
      expect(await count({ tags: presence })).toBe(0);
      expect(await count({ metadata: { a: presence } })).toBe(0);
      expect(await count({ kind: presence })).toBe(1);
    }
  });

  test('does not match a value with a different JSON type', async () => {
    const store = await openInMemory();
    const values: Json[] = [1, '1', true, 'true', null, 'null', [1], { a: 1 }, 0, false, ''];
    for (const value of values) await store.admin.remember('note', { namespace: ['n'], metadata: { value } });
    for (const value of [1, '1', true, 'true', 'null', 0, false, '']) {
      const { items } = await store.admin.list({ filter: { metadata: { value } } });
      expect(items.map(({ metadata }) => metadata)).toEqual([{ value }]);
    }
    expect(await store.admin.count({ filter: { metadata: { value: { contains: 1 } } } })).toBe(1);
    expect(await store.admin.count({ filter: { metadata: { value: { gt: 0 } } } })).toBe(1);
  });

  test('accepts long lists of values', async () => {
    const store = await openInMemory();
    const { id } = await store.admin.remember('note', { namespace: ['n'], tags: ['t'], metadata: { a: 5 } });
    const many = Array.from({ length: 5_000 }, (_, i) => `x${i}`);
    const counts = await Promise.all([
      store.admin.count({ filter: { id: { in: [...many, id] } } }),
      store.admin.count({ filter: { id: { nin: many } } }),
      store.admin.count({ filter: { tags: { in: [...many, 't'] } } }),
      store.admin.count({ filter: { metadata: { a: { in: [...many, 5] } } } }),
      store.admin.count({ filter: { metadata: { a: { nin: [...many, 5] } } } }),
    ]);
    expect(counts).toEqual([1, 1, 1, 1, 0]);
  });

  test('finds a substring of the text, with the same case', async () => {
    const store = await openInMemory();
    const long = `${'x'.repeat(5_000)} Bern ${'y'.repeat(5_000)}`;
    for (const each of ['Ms Novak lives in Bern.', 'bernstein', long])
      await store.admin.remember(each, { namespace: ['n'] });
    const found = async (contains: string) => (await all(store.admin.list({ filter: { text: { contains } } }))).length;
    expect(await found('Bern')).toBe(2);
    expect(await found('bern')).toBe(1);
    expect(await found('lives in Bern.')).toBe(1);
    expect(await found('x'.repeat(5_000))).toBe(1);
    expect(await found('%')).toBe(0);
    expect(await found('')).toBe(3);
    expect(await store.admin.count({ filter: { not: { text: { contains: 'Bern' } } } })).toBe(1);
  });

  test('compares namespaces label by label', async () => {
    const store = await openInMemory();
    for (const namespace of [['acme'], ['acme', 'eu'], ['acme/eu'], ['acme-corp']])
      await store.admin.remember('note', { namespace });
    const count = (namespace: Filter['namespace'] & object) => store.admin.count({ filter: { namespace } });
    expect(await count(['acme'])).toBe(1);
    expect(await count({ startsWith: ['acme'] })).toBe(2);
    expect(await count({ startsWith: [] })).toBe(4);
    expect(await count({ in: [['acme', 'eu'], ['acme/eu'], ['none']] })).toBe(2);
    expect(await count({ startsWith: ['acme'], ne: ['acme'] })).toBe(1);
    expect(await count({ nin: [] })).toBe(4);
  });

  test('selects memories to forget by text, namespace and the start of an id', async () => {
    const ids = ['0198c0de-1', '0198c0df-2'];
    const store = await openInMemory({ newId: () => ids.shift() as string });
    const { id } = await store.admin.remember('one', { namespace: ['a'] });
    await store.admin.remember('two', { namespace: ['b'] });
    const dryRun = (each: Filter) => store.admin.forgetWhere({ filter: each }, { dryRun: true });
    expect((await dryRun({ text: { contains: 'one' } })).ids).toEqual([id]);
    expect((await dryRun({ namespace: { startsWith: ['a'] } })).ids).toEqual([id]);
    expect((await dryRun({ id: { startsWith: '0198c0de' } })).ids).toEqual([id]);
    for (const empty of [{ text: { contains: '' } }, { namespace: { startsWith: [] } }, { id: { startsWith: '' } }])
      expect((await refusal(() => dryRun(empty))).code).toBe('INVALID_INPUT');
  });

  test('may be nested until it has the maximum number of conditions', async () => {
    const store = await openInMemory();
    await store.admin.remember('note', { namespace: ['n'] });
    const nested = (depth: number, wrap: (inner: Filter) => Filter): Filter =>
      Array.from({ length: depth }).reduce<Filter>((inner) => wrap(inner), { kind: 'episodic' });
    expect(await store.admin.count({ filter: nested(40, (inner) => ({ not: { not: inner } })) })).toBe(1);
    expect(await store.admin.count({ filter: nested(40, (inner) => ({ or: [inner] })) })).toBe(1);
    expect((await refusal(() => store.admin.count({ filter: nested(50_000, (not) => ({ not })) }))).code).toBe(
      'INVALID_INPUT',
    );
    const wide = { or: Array.from({ length: 101 }, (_, i) => ({ userId: `u${i}` })) };
    expect((await refusal(() => store.admin.count({ filter: wide }))).code).toBe('INVALID_INPUT');
  });

  test('can list many namespaces without blocking the process for long, but not endlessly many', async () => {
    const store = await openInMemory();
    await store.admin.remember('note', { namespace: [] });
    const started = performance.now();
    for (const operator of ['in', 'nin']) {
      const filter = (count: number) => ({ namespace: { [operator]: Array.from({ length: count }, () => []) } });
      expect(await store.admin.count({ filter: filter(60_000) })).toBe(operator === 'in' ? 1 : 0);
      expect((await refusal(() => store.admin.count({ filter: filter(120_000) }))).issues).toMatchObject([
        { path: ['filter'], message: expect.stringContaining('bytes of names and values') },
      ]);
    }
    // Making the shape of a namespace once for each of them took more than ten seconds.
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe('an invalid filter', () => {
  test.each<[unknown, string[]]>([
    [null, ['filter']],
    ['kind', ['filter']],
    [[], ['filter']],
    [{ knid: 'episodic' }, ['filter.knid']],
    [{ text: 'note' }, ['filter.text']],
    [{ text: {} }, ['filter.text']],
    [{ text: { contains: 5 } }, ['filter.text.contains']],
    [{ text: { eq: 'note' } }, ['filter.text.eq']],
    [{ and: Array.from({ length: 9 }, () => ({ text: { contains: 'a' } })) }, ['filter']],
    [{ namespace: 'n' }, ['filter.namespace']],
    [{ namespace: {} }, ['filter.namespace']],
    [{ namespace: ['n', 5] }, ['filter.namespace.1']],
    [{ namespace: { in: ['n'] } }, ['filter.namespace.in.0']],
    [{ namespace: { contains: ['n'] } }, ['filter.namespace.contains']],
    [{ namespace: { startsWith: 'n' } }, ['filter.namespace.startsWith']],
    [{ id: { startsWith: 5 } }, ['filter.id.startsWith']],
    [{ tags: { startsWith: 'a' } }, ['filter.tags.startsWith']],
    [{ source: 'user' }, ['filter.source']],
    [{ order: 'A-1' }, ['filter.order']],
    [{ kind: { equals: 'episodic' } }, ['filter.kind.equals']],
    [{ kind: { $eq: 'episodic' } }, ['filter.kind.$eq']],
    [{ kind: {} }, ['filter.kind']],
    [{ kind: ['episodic'] }, ['filter.kind']],
    [{ kind: 5 }, ['filter.kind']],
    [{ priority: '0.5' }, ['filter.priority']],
    [{ priority: { gt: Number.NaN } }, ['filter.priority.gt']],
    [{ priority: { gt: null } }, ['filter.priority.gt']],
    [{ priority: { contains: 1 } }, ['filter.priority.contains']],
    [{ createdAt: '2026-01-01' }, ['filter.createdAt']],
    [{ createdAt: new Date(Number.NaN) }, ['filter.createdAt']],
    [{ tags: { gt: 'a' } }, ['filter.tags.gt']],
    [{ tags: { in: 'a' } }, ['filter.tags.in']],
    [{ userId: { in: ['a', undefined, 5] } }, ['filter.userId.in.1', 'filter.userId.in.2']],
    [{ userId: { exists: 'yes' } }, ['filter.userId.exists']],
    [{ metadata: 'a' }, ['filter.metadata']],
    [{ metadata: { a: { b: { eq: 1 } } } }, ['filter.metadata.a.b']],
    [{ metadata: { a: { gt: Number.POSITIVE_INFINITY } } }, ['filter.metadata.a.gt']],
    [{ and: { kind: 'episodic' } }, ['filter.and']],
    [{ or: [{ kind: 'episodic' }, 'x'] }, ['filter.or.1']],
    [{ not: [] }, ['filter.not']],
    [
      { knid: 1, or: [{ tagz: 1 }, { not: { priorty: 1 } }], userId: undefined },
      ['filter.knid', 'filter.or.0.tagz', 'filter.or.1.not.priorty', 'filter.userId'],
    ],
    [JSON.parse('{"__proto__": {"kind": "episodic"}}'), ['filter.__proto__']],
    [{ constructor: 1, toString: 2 }, ['filter.constructor', 'filter.toString']],
  ])('is rejected with the path of every issue: %j', async (bad, paths) => {
    const store = await openInMemory();
    for (const read of [
      () => store.admin.count({ filter: bad as Filter }),
      () => store.admin.list({ filter: bad as Filter }),
      () => store.admin.recall('note', { filter: bad as Filter }),
      () => store.admin.forgetWhere({ filter: bad as Filter }, { dryRun: true }),
    ]) {
      expect(await issuePaths(read)).toEqual(paths);
    }
  });

  test.each([
    [{ kinds: 'episodic' }, 'kind'],
    [{ userid: 'u' }, 'userId'],
    [{ Tags: 'u' }, 'tags'],
    [{ sesionId: 'u' }, 'sessionId'],
    [{ metdata: { a: 1 } }, 'metadata'],
    [{ priority: { lte_: 1 } }, 'lte'],
    [{ priority: { exist: true } }, 'exists'],
    [{ tags: { contain: 'a' } }, 'contains'],
  ])('is rejected with an error that names the most similar field or operator: %j -> %s', async (bad, nearest) => {
    const store = await openInMemory();
    const { issues } = await refusal(() => store.admin.count({ filter: bad as Filter }));
    expect(issues[0]?.message).toContain(`did you mean "${nearest}"`);
  });
});
