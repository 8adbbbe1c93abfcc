import fc from 'fast-check';
import { MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { decodeValue, type Encoded } from '../../src/connect/encoding';
import { ProtocolError } from '../../src/connect/frames';
import { operations, waitingOperations } from '../../src/connect/server-operations';
import { codeOf, openFolder, temporaryFolder } from '../store/stores';
import { callOf, RawClient } from './raw-client';

let folder: string;
let server: MemoryStore;
beforeEach(async () => {
  folder = await temporaryFolder();
  server = await openFolder(folder, { serve: true });
  await server.admin.remember('note', { namespace: ['n'], embed: false });
});

type Answer = { readonly t: string; readonly id: number; readonly error?: { readonly code?: string } };

/** Sends a call, and waits for its answer. */
async function answerTo(client: RawClient, call: object, id = 1): Promise<Answer> {
  client.send({ ...call, id });
  return (await client.received((each: Answer) => each.id === id && each.t !== 'progress')) as Answer;
}

async function connected(): Promise<RawClient> {
  const client = new RawClient(folder);
  client.hello();
  await client.received(({ t }: Answer) => t === 'welcome');
  return client;
}

const longLength = 4_294_967_295;
const withArgs = (args: unknown) => ({ ...callOf(1, 'rememberEach', []), args });
const withHandle = (handle: string) => ({ ...callOf(1, 'count', []), handle });

describe('a malformed call gets INVALID_INPUT, and the store is still served:', () => {
  test.each<[string, object]>([
    ['a mark that sets the length of a list', withArgs([[[], {}], [[[0, 'length'], 'n', String(longLength)]]])],
    ['a mark that sets the length of the arguments', withArgs([[], [[['length'], 'n', String(longLength)]]])],
    ['a mark that shares a value', withArgs([[{ a: [1], b: null }, {}], [[[0, 'b'], 'c', [0, 'a']]]])],
    ['a mark that is null', withArgs([[[], {}], [null]])],
    ['a mark without a path', withArgs([[[], {}], [[null, 'u']]])],
    ['a mark whose path has an object', withArgs([[[], {}], [[[{}], 'u']]])],
    ['a mark of an unknown kind', withArgs([[[], {}], [[[0], 'zz']]])],
    ['a vector with only half of a number', withArgs([[[null], {}], [[[0, 0], 'f', 'AAA=']]])],
    ['a vector that is an object', withArgs([[[null], {}], [[[0, 0], 'f', { length: longLength }]]])],
    ['a bigint that is not a number', withArgs([[[null], {}], [[[0, 0], 'b', 'one']]])],
    ['a symbol that is an object', withArgs([[[null], {}], [[[0, 0], 'y', { toString: 1 }]]])],
    ['a date that is an object', withArgs([[[null], {}], [[[0, 0], 'd', { valueOf: 1 }]]])],
    ['arguments that are an object', withArgs([{ length: 2 }, []])],
    ['arguments that are null', withArgs([null, []])],
    ['items that are not a list', withArgs([['items', {}], []])],
    ['a handle that is not JSON', withHandle('{')],
    ['a handle that is null', withHandle('null')],
    ['a handle without marks', withHandle('[{"principal":null,"scopes":[]}]')],
    ['a handle whose scopes are a number', withHandle('[{"principal":null,"scopes":7},[]]')],
    [
      'a handle whose scopes have a length',
      withHandle('[{"principal":null,"scopes":[]},[[["scopes","length"],"n","9"]]]'),
    ],
  ])('%s', async (_, call) => {
    const client = await connected();
    expect(await answerTo(client, call)).toMatchObject({ t: 'error', error: { code: 'INVALID_INPUT' } });
    expect(await answerTo(client, callOf(2, 'count', []), 2)).toMatchObject({ t: 'answer' });
  });
});

const json = fc.jsonValue({ maxDepth: 3 });
const key = fc.oneof(fc.nat(3), fc.constantFrom('length', '__proto__', 'constructor', 'namespace', 'text', 'toString'));
const mark = fc.oneof(
  fc.tuple(fc.array(key, { maxLength: 3 }), fc.constantFrom(...'dfunbyxocsp'), fc.oneof(json, fc.array(key))),
  json,
);
const seed = 13;

test('the decoder returns a value or throws a ProtocolError for any JSON', () => {
  fc.assert(
    fc.property(json, fc.array(mark, { maxLength: 4 }), (value, marks) => {
      try {
        decodeValue([value, marks] as unknown as Encoded);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
      expect('polluted' in {}).toBe(false);
    }),
    { numRuns: 5_000, seed },
  );
});

test('every operation answers any arguments with a result or a MemoryError', async () => {
  const client = await connected();
  // Left out, because any text names a folder in which they would put a copy.
  const copying = ['store.backup', 'store.snapshot'];
  const names = [...operations.keys()].filter((op) => !waitingOperations.has(op) && !copying.includes(op));
  let id = 0;
  const failures = new Set<string>();
  const argument = fc.oneof(json, fc.constant({ namespace: ['n'] }), fc.constant('note'), fc.constant([]));
  const call = fc.record({
    op: fc.constantFrom(...names),
    args: fc.tuple(fc.array(argument, { maxLength: 3 }), fc.array(mark, { maxLength: 2 })),
    number: fc.option(fc.nat(5), { nil: undefined }),
  });
  for (const { op, args, number } of fc.sample(call, { numRuns: 1_500, seed })) {
    id++;
    const numbered = number === undefined ? {} : { number, answered: 0 };
    const answer = await answerTo(client, { ...callOf(id, op, []), args, ...numbered }, id);
    if (answer.t === 'error' && answer.error?.code === undefined)
      failures.add(`${op}: ${JSON.stringify(answer.error)}`);
  }
  expect([...failures]).toEqual([]);
  // One of the calls may have erased everything.
  await server.admin.remember('note', { namespace: ['n'] });
  expect(await server.admin.count()).toBeGreaterThan(0);
});

test('random bytes after the greeting end only the connection that sent them', async () => {
  for (const bytes of fc.sample(fc.uint8Array({ minLength: 8, maxLength: 200 }), { numRuns: 50, seed })) {
    const client = await connected();
    client.socket.end(Buffer.from(bytes));
    await client.ended;
  }
  const client = await connected();
  expect(await answerTo(client, callOf(1, 'count', []))).toMatchObject({ t: 'answer' });
});

test('a connected handle rejects or copies a scope that cannot be cloned', async () => {
  await using store = await MemoryStore.connect(folder, { waitMs: 60_000 });
  const junk = [1, 'n', null, () => 1, Symbol('s'), { namespace: () => 1 }, { userId: Symbol('s') }, [() => 1]];
  for (const scope of junk) expect(await codeOf(() => store.admin.within(scope as never))).toBe('INVALID_INPUT');
  for (const scope of junk)
    expect(await codeOf(() => store.as({ agentId: 'a' }, scope as never))).toBe('INVALID_INPUT');
  const extra = { namespace: Object.assign(['n'], { note: () => 1 }) };
  expect(await store.admin.within(extra).count()).toBe(1);
  expect(await store.admin.within(new Proxy({ namespace: ['n'] }, {})).count()).toBe(1);
  expect(await store.as({ agentId: 'a' }, extra).count()).toBe(1);
});
