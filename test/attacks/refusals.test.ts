import { allow, MemoryError, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { connected, refusal as toolRefusal } from '../integrations/mcp/test-client';
import { openInMemory, refusal } from '../store/stores';

const agent = { agentId: 'a' };
const namespace = ['n'];
const access = [allow(agent, 'administrator', namespace)];
const many = <T>(value: T): T[] => Array(20_000).fill(value);
const keys = (count: number, length = 0) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`unknown-${i}${'x'.repeat(length)}`, 1]));

/** An object in which every level holds the one below it twice, so that as JSON it has 2 ** depth leaves. */
function doubled(depth: number, hold: (inner: object) => object): object {
  return depth === 0 ? {} : hold(doubled(depth - 1, hold));
}
/** The same, with one object for each level. */
function shared(depth: number, hold: (inner: object) => object): object {
  let inner: object = {};
  for (let i = 0; i < depth; i++) inner = hold(inner);
  return inner;
}

/** Input that is wrong at many places, large, or both. */
const attacks: [string, (handle: MemoryHandle, store: MemoryStore) => unknown][] = [
  ['twenty thousand wrong tags', (h) => h.remember('x', { tags: many(1) as never })],
  ['twenty thousand wrong access tags', (h) => h.remember('x', { accessTags: many('') })],
  ['twenty thousand labels', (h) => h.remember('x', { namespace: many('') })],
  ['twenty thousand unknown fields', (h) => h.remember('x', keys(20_000) as never)],
  ['long unknown fields', (h) => h.remember('x', keys(100, 20_000) as never)],
  ['one unknown field of a megabyte', (h) => h.remember('x', { ['k'.repeat(1e6)]: 1 } as never)],
  ['metadata that is no JSON at many places', (h) => h.remember('x', { metadata: { a: many(undefined) } as never })],
  ['metadata with long keys', (h) => h.remember('x', { metadata: { ['k'.repeat(60_000)]: undefined } as never })],
  ['metadata of shared objects', (h) => h.remember('x', { metadata: shared(60, (a) => ({ a, b: a })) as never })],
  ['metadata of 5,000 levels', (h) => h.remember('x', { metadata: shared(5_000, (a) => ({ a })) as never })],
  ['metadata with an array of any length', (h) => h.remember('x', { metadata: { a: Array(2 ** 32 - 1) } as never })],
  ['a patch with wrong tags', (h) => h.update('m', { tags: many(1) as never })],
  ['new labels with wrong tags', (h) => h.share('m', { accessTags: many(1) as never })],
  ['a filter of shared objects', (h) => h.list({ filter: shared(60, (a) => ({ and: [a, a] })) })],
  ['a filter of 5,000 levels', (h) => h.list({ filter: shared(5_000, (not) => ({ not })) })],
  ['a filter of empty filters', (h) => h.list({ filter: { or: Array(999).fill({}) } })],
  ['a filter of empty conditions', (h) => h.list({ filter: { and: Array(999).fill({ metadata: {} }) } })],
  ['a filter with 200,000 values', (h) => h.list({ filter: { id: { in: Array(200_000).fill('x') } } })],
  ['a filter with wrong values', (h) => h.list({ filter: { id: { in: many(1) } } as never })],
  ['a filter with a value of a megabyte', (h) => h.list({ filter: { key: 'x'.repeat(1e6) } })],
  ['a filter with unknown fields', (h) => h.list({ filter: keys(20_000) as never })],
  ['a filter with unknown operators', (h) => h.list({ filter: { key: keys(20_000) } as never })],
  ['twenty thousand states', (h) => h.recall('x', { include: many('expired') })],
  ['twenty thousand wrong states', (h) => h.recall('x', { include: many('x' as never) })],
  ['twenty thousand audited actions', (h) => h.audit.query({ action: many('') })],
  ['twenty thousand actions of a rule', (h) => h.access.allow(agent, many('rea') as never, namespace)],
  ['twenty thousand members of a group', (h) => h.access.group('g', many({}) as never)],
  ['an atomic batch of wrong memories', (h) => h.rememberMany(Array(10_000).fill({ text: '' }), { atomic: true })],
  ['twenty thousand wrong rules', () => MemoryStore.inMemory({ access: many({}) as never })],
  ['many unknown roles', () => MemoryStore.inMemory({ access: many(allow(agent, 'nobody-declared-it', namespace)) })],
  ['twenty thousand wrong checkpoints', (_, store) => store.audit.verify({ head: many({}) as never })],
];

describe('a rejection has at most 51 issues and a message of at most 64 kB for', () => {
  test.each(attacks)('%s', async (_, attack) => {
    const store = await openInMemory({ access });
    const error = await refusal(async () => attack(store.as(agent, { namespace }), store));
    expect(MemoryError.is(error)).toBe(true);
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
    expect(error.issues.length).toBeGreaterThan(0);
    expect(error.issues.length).toBeLessThanOrEqual(51);
    expect(Buffer.byteLength(error.message)).toBeLessThanOrEqual(65_536);
    expect(JSON.stringify(error.issues).length).toBeLessThanOrEqual(131_072);
  });
});

test('a rejection contains the number of issues that it does not list', async () => {
  const store = await openInMemory({ access });
  const error = await refusal(async () => store.as(agent, { namespace }).remember('x', keys(60) as never));
  expect(error.issues).toHaveLength(51);
  expect(error.issues.at(-1)?.message).toBe('10 further unknown fields are not listed.');
});

test('metadata and a filter that contain the same object twice are accepted', async () => {
  const store = await openInMemory({ access });
  const handle = store.as(agent, { namespace });
  await handle.remember('x', { metadata: doubled(4, (a) => ({ a, b: a })) as never });
  await handle.remember('y', { metadata: shared(4, (a) => ({ a, b: a })) as never });
  const filter = { metadata: { a: { exists: true } } };
  expect(await handle.count({ filter: { or: [filter, filter] } })).toBe(2);
});

test('a filter with the maximum number of conditions is accepted, however the conditions are combined', async () => {
  const store = await openInMemory({ access, limits: { conditions: 2_000 } });
  const handle = store.as(agent, { namespace });
  await handle.remember('x', { key: 'k' });
  expect(await handle.count({ filter: { or: [...Array(1_900).fill({ key: 'other' }), { key: 'k' }] } })).toBe(1);
});

describe('an MCP tool rejects with at most 51 issues and a message of at most 64 kB', () => {
  const large: [string, Record<string, unknown>][] = [
    ['two hundred thousand wrong tags', { text: 'x', tags: Array(200_000).fill(1) }],
    ['twenty thousand unknown arguments', { text: 'x', ...keys(20_000) }],
    ['an argument with the name of a method of all objects', { text: 'x', toString: 'y', constructor: '1' }],
    ['metadata of 5,000 levels', { text: 'x', metadata: shared(5_000, (a) => ({ a })) }],
    ['metadata with many values', { text: 'x', metadata: { a: many(1), b: many(1), c: many(1) } }],
  ];

  test.each(large)('%s', async (_, given) => {
    const store = await openInMemory({ access });
    const client = await connected(store.as(agent, { namespace }));
    const { code, message, issues } = await toolRefusal(client, 'add_memory', given);
    expect(code).toBe('INVALID_INPUT');
    expect(issues.length).toBeLessThanOrEqual(51);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(65_536);
  });
});
