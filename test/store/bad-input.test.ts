import { MemoryError, MemoryStore, type NewMemory } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { codeOf, issuePaths, openInMemory, refusal, temporaryFolder } from './stores';

const namespace = ['support'];
const deep = (depth: number): object => (depth === 0 ? {} : { a: deep(depth - 1) });
const circular: Record<string, unknown> = {};
circular.self = { again: circular };
class Money {
  amount = 5;
}
const vectorOf = (...numbers: number[]) => Float32Array.from({ length: 256 }, (_, i) => numbers[i] ?? 0);

/** Everything that can be wrong with one memory, and where it is. */
const wrong: [string, object, string[]][] = [
  ['an empty text', { text: '' }, ['text']],
  ['a text of white space', { text: ' \n\t\u3000' }, ['text']],
  ['an oversized text', { text: 'x'.repeat(1_000_001) }, ['text']],
  ['a text whose bytes exceed the limit but whose characters do not', { text: '客'.repeat(333_334) }, ['text']],
  ['a text that is a number', { text: 5 }, ['text']],
  ['no text', { text: undefined }, ['text']],
  ['a namespace that is a path in one string', { namespace: 'support/eu' }, ['namespace']],
  ['an empty label', { namespace: ['support', ''] }, ['namespace.1']],
  ['labels that are not strings', { namespace: ['support', 5, null] }, ['namespace.1', 'namespace.2']],
  ['a namespace too deep', { namespace: Array(17).fill('a') }, ['namespace']],
  ['a label too long', { namespace: ['x'.repeat(513)] }, ['namespace.0']],
  ['half a surrogate pair in a label', { namespace: ['a\ud800'] }, ['namespace.0']],
  ['a priority above 1', { priority: 1.0000001 }, ['priority']],
  ['a priority below 0', { priority: -0.1 }, ['priority']],
  ['a priority that is NaN', { priority: Number.NaN }, ['priority']],
  ['a priority that is infinite', { priority: Number.POSITIVE_INFINITY }, ['priority']],
  ['a priority as text', { priority: '0.5' }, ['priority']],
  ['NaN in a vector', { vector: vectorOf(1, Number.NaN) }, ['vector']],
  ['infinity in a vector', { vector: vectorOf(Number.NEGATIVE_INFINITY) }, ['vector']],
  ['a vector of zeros', { vector: vectorOf() }, ['vector']],
  ['a vector with the wrong length', { vector: new Float32Array(383).fill(1) }, ['vector']],
  ['an empty vector', { vector: new Float32Array(0) }, ['vector']],
  ['a vector as a list', { vector: [1, 2, 3] }, ['vector']],
  ['a vector of doubles', { vector: new Float64Array(256).fill(1) }, ['vector']],
  ['a vector together with embed: false', { vector: vectorOf(1), embed: false }, ['embed']],
  ['embed: true', { embed: true }, ['embed']],
  ['metadata that is a list', { metadata: [1] }, ['metadata']],
  ['metadata that is null', { metadata: null }, ['metadata']],
  ['metadata that is text', { metadata: '{}' }, ['metadata']],
  ['undefined in metadata', { metadata: { a: { b: undefined } } }, ['metadata.a.b']],
  ['a function in metadata', { metadata: { a: () => 1, b: Symbol('x') } }, ['metadata.a', 'metadata.b']],
  ['a bigint in metadata', { metadata: { a: [1, 2n] } }, ['metadata.a.1']],
  ['NaN in metadata', { metadata: { a: Number.NaN, b: [Number.POSITIVE_INFINITY] } }, ['metadata.a', 'metadata.b.0']],
  ['a Date in metadata', { metadata: { at: new Date() } }, ['metadata.at']],
  ['a Map in metadata', { metadata: { a: new Map() } }, ['metadata.a']],
  ['an object of a class in metadata', { metadata: { price: new Money() } }, ['metadata.price']],
  [
    'an object of a class without a constructor',
    { metadata: { a: Object.assign(new Money(), { constructor: undefined }) } },
    ['metadata.a'],
  ],
  ['typed arrays in metadata', { metadata: { a: new Uint8Array(2) } }, ['metadata.a']],
  ['a hole in a list of metadata', { metadata: { a: Object.assign(Array(2), { 0: 'not a hole' }) } }, ['metadata.a.1']],
  ['metadata that contains itself', { metadata: circular }, ['metadata.self.again']],
  ['metadata that is too large', { metadata: { a: 'x'.repeat(65_536) } }, ['metadata']],
  ['metadata that is nested too deeply', { metadata: { a: deep(100) } }, [`metadata.${Array(64).fill('a').join('.')}`]],
  ['an unknown kind', { kind: 'episode' }, ['kind']],
  ['tags as text', { tags: 'refund' }, ['tags']],
  ['an empty tag and a tag that is a number', { tags: ['a', '', 5] }, ['tags.1', 'tags.2']],
  ['too many tags', { tags: Array.from({ length: 65 }, (_, i) => `t${i}`) }, ['tags']],
  ['an empty access tag', { accessTags: [''] }, ['accessTags.0']],
  ['an unknown visibility', { visibility: 'public' }, ['visibility']],
  ['an empty user', { userId: '' }, ['userId']],
  ['a user that is null', { userId: null }, ['userId']],
  ['a session that is a number', { sessionId: 5 }, ['sessionId']],
  ['an empty key', { key: '' }, ['key']],
  ['a key too long', { key: 'é'.repeat(257) }, ['key']],
  ['an empty idempotency key', { idempotencyKey: '' }, ['idempotencyKey']],
  ['an empty id to supersede', { supersedes: '' }, ['supersedes']],
  ['an unknown channel', { source: { channel: 'fax' } }, ['source.channel']],
  ['a source without a channel', { source: { ref: 'x', reff: 'y' } }, ['source.channel', 'source.reff']],
  ['a time without a zone', { validFrom: '2026-01-01T00:00:00' }, ['validFrom']],
  ['a date without a time', { expiresAt: '2026-01-01' }, ['expiresAt']],
  ['an invalid Date', { validTo: new Date(Number.NaN) }, ['validTo']],
  ['a time outside the range of dates', { validFrom: 1e300 }, ['validFrom']],
  ['a time that is null', { expiresAt: null }, ['expiresAt']],
  ['an end before its beginning', { validFrom: new Date(2_000), validTo: new Date(1_000) }, ['validTo']],
  ['an end at its beginning', { validFrom: new Date(2_000), validTo: new Date(2_000) }, ['validTo']],
  ['a signal that is not an AbortSignal', { signal: {} }, ['signal']],
  ['an unknown field', { userid: 'u', color: 'red' }, ['color', 'userid']],
  ['an unknown field with a name from the prototype', { constructor: 1, toString: 1 }, ['constructor', 'toString']],
  ['an own __proto__', JSON.parse('{"__proto__":{"userId":"u"}}'), ['__proto__']],
];

describe('remember rejects and writes nothing for', () => {
  test.each(wrong)('%s', async (_, fields, paths) => {
    const store = await openInMemory();
    const { text, ...options }: { text: string } = { text: 'text', namespace, ...fields } as never;
    expect(await issuePaths(() => store.admin.remember(text, options as never))).toEqual(paths);
    // In a batch it is the same.
    const { results } = await store.admin.rememberMany([{ namespace, text: 'text', ...fields } as never]);
    const [result] = results;
    expect(await issuePaths(() => Promise.reject(result?.ok === false && result.error))).toEqual(paths);
    const include = ['expired', 'superseded', 'quarantined'] as const;
    expect(await store.admin.count({ include })).toBe(0);
    expect((await store.stats()).memories).toBe(0);
    expect(await store.admin.namespaces()).toEqual([]);
  });

  test('several of these at once, and lists them in one error', async () => {
    const store = await openInMemory();
    const fields = {
      text: '',
      namespace: ['', 'a'],
      priority: 2,
      vector: new Float32Array(3).fill(1),
      metadata: { a: Number.NaN, b: () => 1 },
      kind: 'x',
      tags: [''],
      userId: '',
      source: { channel: 'x' },
      validFrom: 'x',
      colour: 1,
    };
    const { text, ...options } = fields;
    const error = await refusal(() => store.admin.remember(text, options as never));
    expect(error.issues.map(({ path }) => path.join('.')).sort()).toEqual(
      ['text', 'namespace.0', 'priority', 'vector', 'metadata.a', 'metadata.b', 'kind', 'tags.0', 'userId']
        .concat(['source.channel', 'validFrom', 'colour'])
        .sort(),
    );
    for (const { message } of error.issues) expect(message).toMatch(/\w.*\.$/);
    // A person who reads the log sees every one of them.
    for (const { message } of error.issues) expect(error.message).toContain(message);
  });

  test('invalid fields that only the store can detect (namespace, vector length, order of times), in the same error', async () => {
    const store = await openInMemory();
    const options = {
      priority: 7,
      vector: new Float32Array(5).fill(1),
      validFrom: new Date(2_000),
      validTo: new Date(1_000),
    };
    expect(await issuePaths(() => store.admin.remember('', options))).toEqual([
      'namespace',
      'priority',
      'text',
      'validTo',
      'vector',
    ]);
  });
});

test.each([
  ['usrId', 'userId'],
  ['txt', 'text'],
  ['Metadata', 'metadata'],
  ['expires', 'expiresAt'],
  ['idempotency_key', 'idempotencyKey'],
  ['superseeds', 'supersedes'],
])('an error about an unknown field names the most similar known field: %s -> %s', async (field, nearest) => {
  const store = await openInMemory();
  const { issues } = await refusal(() => store.admin.remember('text', { namespace, [field]: 'x' } as never));
  expect(issues).toHaveLength(1);
  expect(issues[0]?.path).toEqual([field]);
  expect(issues[0]?.message).toContain(`"${nearest}"`);
});

describe('the error lists every issue of a call:', () => {
  test.each<[string, (store: MemoryStore) => unknown, string[]]>([
    ['recall', ({ admin }) => admin.recall('', { topK: 0, treshold: 1 } as never), ['query', 'topK', 'treshold']],
    [
      'recall, with its filter',
      ({ admin }) =>
        admin.recall(' ', { filter: { knid: 1 }, userId: undefined, vector: new Float32Array(2).fill(1) } as never),
      ['filter.knid', 'query', 'userId', 'vector'],
    ],
    [
      'update',
      ({ admin }) => admin.update('', { priority: 2 }, { ifRevision: 0 }),
      ['id', 'ifRevision', 'patch.priority'],
    ],
    ['forget', ({ admin }) => admin.forget('', { ifrevision: 1 } as never), ['id', 'ifrevision']],
    ['get', ({ admin }) => admin.get('', { sginal: 1 } as never), ['id', 'sginal']],
    ['history', ({ admin }) => admin.history('', { sginal: 1 } as never), ['id', 'sginal']],
    [
      'forgetWhere',
      ({ admin }) => admin.forgetWhere({ userId: undefined } as never, { dryrun: true } as never),
      ['options.dryRun', 'options.dryrun', 'userId'],
    ],
    ['rememberMany', ({ admin }) => admin.rememberMany(5 as never, { batchSize: 0 }), ['batchSize', 'items']],
    [
      'as',
      (store) => store.as({ agentid: 'a' } as never, { userId: undefined } as never),
      ['principal', 'principal.agentid', 'scope.userId'],
    ],
  ])('%s', async (_, call, paths) => {
    const store = await openInMemory();
    await store.admin.remember('text', { namespace });
    expect(await issuePaths(() => call(store))).toEqual(paths);
    expect(await store.admin.count()).toBe(1);
  });

  test('open', async () => {
    const options = { readonly: true, access: [{ effect: 'permit', to: 'all', actions: 'raeder', at: 'support' }] };
    const paths = ['access.0.actions', 'access.0.at', 'access.0.effect', 'access.0.to', 'readonly'];
    expect(await issuePaths(() => MemoryStore.inMemory(options as never))).toEqual(paths);
    const folder = await temporaryFolder();
    expect(await issuePaths(() => MemoryStore.open(folder, options as never))).toEqual(paths);
  });
});

describe('a scope field that is `undefined`', () => {
  const session: { userId?: string } = {};
  const scoped = { userId: session.userId } as { userId: string };

  test.each<[string, (store: MemoryStore) => unknown]>([
    ['as', (store) => store.as({ agentId: 'a' }, scoped)],
    ['within', ({ admin }) => admin.within(scoped)],
    ['recall', ({ admin }) => admin.recall('text', scoped)],
    ['list', ({ admin }) => admin.list(scoped)],
    ['count', ({ admin }) => admin.count(scoped)],
    ['watch', ({ admin }) => admin.watch(scoped)],
    ['forgetWhere', ({ admin }) => admin.forgetWhere(scoped, { dryRun: true })],
    ['a filter', ({ admin }) => admin.count({ filter: scoped })],
    ['metadata of a filter', ({ admin }) => admin.count({ filter: { metadata: scoped } as never })],
  ])('is rejected: %s never covers every user', async (_, call) => {
    const store = await openInMemory();
    const error = await refusal(() => call(store));
    expect(error.code).toBe('INVALID_INPUT');
    expect(error.issues.map(({ path }) => path.at(-1))).toEqual(['userId']);
  });
});

describe('these calls are rejected:', () => {
  test.each<[string, (store: MemoryStore) => unknown, string[]]>([
    ['a query that is not a string', ({ admin }) => admin.recall(5 as never), ['query']],
    ['a query too long', ({ admin }) => admin.recall('x'.repeat(1_000_001)), ['query']],
    ['topK beyond the limit', ({ admin }) => admin.recall('x', { topK: 1_001 }), ['topK']],
    ['a topK that is not an integer', ({ admin }) => admin.recall('x', { topK: 1.5 }), ['topK']],
    ['a threshold out of range', ({ admin }) => admin.recall('x', { threshold: 1.1 }), ['threshold']],
    ['an unknown mode', ({ admin }) => admin.recall('x', { mode: 'vector' as never }), ['mode']],
    [
      'a query vector with the wrong length',
      ({ admin }) => admin.recall('x', { vector: new Float32Array(3).fill(1) }),
      ['vector'],
    ],
    ['NaN in a query vector', ({ admin }) => admin.recall('x', { vector: vectorOf(Number.NaN) }), ['vector']],
    ['an explain that is not a boolean', ({ admin }) => admin.recall('x', { explain: 1 as never }), ['explain']],
    ['an address that is a number', ({ admin }) => admin.get(5 as never), ['id']],
    [
      'an address with an invalid namespace or key',
      ({ admin }) => admin.get({ namespace: ['a', ''], key: '' }),
      ['id.key', 'id.namespace.1'],
    ],
    ['a batch size out of range', ({ admin }) => admin.rememberMany([], { batchSize: 0 }), ['batchSize']],
    [
      'a listener that is not a function',
      ({ admin }) => admin.rememberMany([], { onProgress: 5 as never }),
      ['onProgress'],
    ],
    ['two principals in one', (store) => store.as({ agentId: 'a', userId: 'b' } as never), ['principal']],
    ['no principal', (store) => store.as({} as never), ['principal']],
    ['a principal without a name', (store) => store.as({ agentId: '' }), ['principal.agentId']],
    [
      'an onBehalfOf that is not a user',
      (store) => store.as({ agentId: 'a', onBehalfOf: { agentId: 'b' } } as never),
      ['principal.onBehalfOf.agentId', 'principal.onBehalfOf.userId'],
    ],
    ['an unknown word of a scope', (store) => store.as({ agentId: 'a' }, { user: 'u' } as never), ['scope.user']],
    ['options that are not an object', ({ admin }) => admin.count(5 as never), ['']],
  ])('%s', async (_, call, paths) => {
    const store = await openInMemory();
    expect(await issuePaths(() => call(store))).toEqual(paths);
  });

  test.each([[[]], [new Date()], ['namespace'], [null], [5], [() => 1]])(
    'remember with options that are not an object: %s',
    async (options) => {
      const store = await openInMemory();
      const handle = store.as({ agentId: 'a' }, { namespace });
      expect(await codeOf(() => handle.remember('text', options as never))).toBe('INVALID_INPUT');
      expect(await store.admin.count()).toBe(0);
    },
  );

  test.each([[''], ['\0'], [5], [undefined]])('open with an invalid folder: %j', async (folder) => {
    expect(await codeOf(() => MemoryStore.open(folder as never))).toBe('INVALID_INPUT');
  });
});

describe('a rejected call', () => {
  test('rejects with a MemoryError and a code, never with another error', async () => {
    const store = await openInMemory();
    const calls: (() => unknown)[] = [
      () => store.admin.remember(undefined as never),
      () => store.admin.rememberMany({} as never),
      () => store.admin.recall(null as never, null as never),
      () => store.admin.get(null as never),
      () => store.admin.history({} as never),
      () => store.admin.list(null as never),
      () => store.admin.count([] as never),
      () => store.admin.namespaces('a' as never),
      () => store.admin.update(undefined as never, undefined as never),
      () => store.admin.forget(undefined as never),
      () => store.admin.forgetWhere(undefined as never, undefined as never),
      () => store.admin.watch(null as never),
      () => store.admin.within(null as never),
      () => store.as(null as never),
      () => store.settled(null as never),
      () => store.verify({ repair: 'yes' } as never),
    ];
    for (const call of calls) {
      const error = await refusal(call);
      expect(error).toBeInstanceOf(MemoryError);
      expect(error.code).toBe('INVALID_INPUT');
      expect(error.retryable).toBe(false);
      expect(error.issues.length).toBeGreaterThan(0);
    }
  });

  test('does not change its arguments', async () => {
    const store = await openInMemory();
    const options: Omit<NewMemory, 'text'> = Object.freeze({
      namespace: Object.freeze(['support']) as string[],
      tags: Object.freeze(['a', 'a']) as string[],
      metadata: Object.freeze({ a: Object.freeze([1]) }) as never,
    });
    const { id } = await store.admin.remember('text', options);
    expect(options).toEqual({ namespace: ['support'], tags: ['a', 'a'], metadata: { a: [1] } });
    expect((await store.admin.get(id))?.tags).toEqual(['a']);
  });

  test('remember copies a vector, so that the caller can reuse the buffer', async () => {
    const plain = {
      '~standard': { version: 1 as const, vendor: 'test', validate: async (value: unknown) => ({ value }) },
    };
    for (const options of [{}, { metadata: plain as never }]) {
      const store = await openInMemory(options);
      const vector = vectorOf(1, 2, 3);
      const own = Float32Array.from(vector);
      const writing = store.admin.remember('text', { namespace, vector });
      vector.fill(0);
      await writing;
      const [hit] = await store.admin.recall('text', { mode: 'semantic', vector: own, explain: true });
      expect(hit?.parts?.semantic).toBeCloseTo(0.94, 5);
    }
  });

  test('changing arguments or results after a call does not affect the store', async () => {
    const store = await openInMemory();
    const metadata = { list: [1] };
    const tags = ['a'];
    const writing = store.admin.remember('text', { namespace, metadata, tags });
    metadata.list.push(2);
    tags.push('b');
    const { id } = await writing;
    const memory = await store.admin.get(id);
    expect(memory).toMatchObject({ metadata: { list: [1] }, tags: ['a'] });
    memory?.tags.push('c');
    memory?.namespace.push('d');
    memory?.createdAt.setTime(0);
    expect(await store.admin.get(id)).toMatchObject({ tags: ['a'], namespace: ['support'] });
    expect((await store.admin.get(id))?.createdAt.getTime()).not.toBe(0);
  });
});

test('limits that are passed to open are enforced', async () => {
  const limits = { textBytes: 10, metadataBytes: 20, nameBytes: 5, namespaceDepth: 2, tags: 1, topK: 3, conditions: 2 };
  const store = await openInMemory({ limits });
  const fields = { metadata: { a: 'x'.repeat(20) }, namespace: ['a', 'b', 'c'], tags: ['a', 'b'], key: 'sixsix' };
  expect(await issuePaths(() => store.admin.remember('x'.repeat(11), fields))).toEqual([
    'key',
    'metadata',
    'namespace',
    'tags',
    'text',
  ]);
  expect(await issuePaths(() => store.admin.recall('x', { topK: 4 }))).toEqual(['topK']);
  const filter = { kind: 'a', userId: 'b', key: 'c' };
  expect(await issuePaths(() => store.admin.count({ filter }))).toEqual(['filter']);
  expect(await issuePaths(() => MemoryStore.inMemory({ limits: { textByte: 1, tags: -1 } as never }))).toEqual([
    'limits.tags',
    'limits.textByte',
  ]);
});

describe('metadata with a schema', () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => {
        const { order } = value as { order?: unknown };
        if (typeof order === 'string') return { value: { order: order.toUpperCase() } };
        return { issues: [{ message: 'must be an order.', path: ['order'] }] };
      },
    },
  };

  test('is validated, and stored as the schema returns it', async () => {
    const store = await openInMemory<{ order: string }>({ metadata: schema });
    const { id } = await store.admin.remember('text', { namespace, metadata: { order: 'a-1' } });
    expect((await store.admin.get(id))?.metadata).toEqual({ order: 'A-1' });
    expect((await store.admin.update(id, { metadata: { order: 'b-2' } })).metadata).toEqual({ order: 'B-2' });
    expect(await store.admin.count({ filter: { metadata: { order: 'B-2' } } })).toBe(1);
  });

  test('is reported in one error with all other issues, in remember, rememberMany and update', async () => {
    const store = await openInMemory<{ order: string }>({ metadata: schema });
    const bad = { metadata: { order: 5 } } as never;
    expect(await issuePaths(() => store.admin.remember('', { namespace, ...(bad as object) }))).toEqual([
      'metadata.order',
      'text',
    ]);
    expect(await issuePaths(() => store.admin.remember('text', { namespace }))).toEqual(['metadata.order']);
    const { id } = await store.admin.remember('text', { namespace, metadata: { order: 'a' } });
    expect(await issuePaths(() => store.admin.update(id, bad))).toEqual(['patch.metadata.order']);
    expect(await store.admin.count()).toBe(1);
    expect((await store.admin.get(id))?.revision).toBe(1);
  });

  test.each<[string, unknown]>([
    ['no object', 5],
    ['a list', [1]],
    ['null', null],
    ['nothing', undefined],
    ['what is no JSON', { at: new Date(0) }],
    ['what is too large', { text: 'x'.repeat(70_000) }],
  ])('is checked after the schema: nothing is stored if the schema returns %s', async (_, value) => {
    const strange = { '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ value }) } };
    const store = await openInMemory({ metadata: strange as never });
    expect((await issuePaths(() => store.admin.remember('text', { namespace })))[0]).toMatch(/^metadata/);
    expect(await store.admin.count()).toBe(0);
  });
});

test('metadata with a `toJSON` method is rejected, or stored without calling it', async () => {
  const store = await openInMemory();
  const metadata = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'something else', enumerable: false });
  const written = await store.admin.remember('text', { namespace, metadata }).catch(() => undefined);
  if (written !== undefined) expect((await store.admin.get(written.id))?.metadata).toEqual({ a: 1 });
});
