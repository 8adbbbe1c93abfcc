import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { type ConnectedStore, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { all, codeOf, openFolder, openToAll, temporaryFolder } from '../store/stores';
import { type CuttingProxy, cutAnswersOf } from './cutting-proxy';

const namespace = ['n'];
const principal = { agentId: 'a' };

let store: ConnectedStore;
let agent: MemoryHandle;
let proxy: CuttingProxy;
let server: MemoryStore;
let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  server = await openFolder(folder, { serve: true });
  proxy = await cutAnswersOf(folder);
  store = await MemoryStore.connect(folder);
  onTestFinished(() => store.close());
  agent = store.as(principal, { namespace });
});

/** Makes a call whose first answer is lost. */
async function withoutFirstAnswer<T>(call: () => PromiseLike<T>): Promise<T> {
  const before = proxy.cuts;
  proxy.cutNext();
  const answer = await call();
  expect(proxy.cuts).toBe(before + 1);
  return answer;
}

const allTexts = async () => (await all(server.admin.list({ include: ['superseded'] }))).map(({ text }) => text).sort();

describe('if the answer to a write is lost, the write is done once, and repeating it returns the same answer:', () => {
  test('remember', async () => {
    expect(await withoutFirstAnswer(() => agent.remember('one'))).toMatchObject({ revision: 1, outcome: 'stored' });
    expect(await allTexts()).toEqual(['one']);
    expect(await agent.list()).toMatchObject({ items: [{ text: 'one', metadata: {}, revision: 1 }] });
  });

  test('remember with a key', async () => {
    expect(await withoutFirstAnswer(() => agent.remember('one', { key: 'k' }))).toMatchObject({ outcome: 'stored' });
    const again = await withoutFirstAnswer(() => agent.remember('two', { key: 'k' }));
    expect(again).toMatchObject({ revision: 2, outcome: 'revised' });
    expect(await agent.history(again.id)).toHaveLength(2);
  });

  test('remember with its own idempotency key', async () => {
    const note = () => agent.remember('one', { idempotencyKey: 'i' });
    expect(await withoutFirstAnswer(note)).toMatchObject({ outcome: 'stored' });
    expect(await withoutFirstAnswer(note)).toMatchObject({ outcome: 'duplicate' });
    expect(await codeOf(() => agent.remember('other', { idempotencyKey: 'i' }))).toBe('IDEMPOTENCY_CONFLICT');
  });

  test('remember that supersedes a memory', async () => {
    const { id } = await agent.remember('old');
    expect(await withoutFirstAnswer(() => agent.remember('new', { supersedes: id }))).toMatchObject({
      outcome: 'stored',
    });
    expect(await allTexts()).toEqual(['new', 'old']);
  });

  test('rememberMany with invalid items', async () => {
    await agent.remember('taken', { idempotencyKey: 'i' });
    const items = [{ text: 'a' }, { text: '' }, { text: 'other', idempotencyKey: 'i' }, { text: 'd', key: 'k' }];
    const { results, ...figures } = await withoutFirstAnswer(() => agent.rememberMany(items));
    expect(figures).toEqual({ stored: 2, revised: 0, duplicates: 0, failed: 2 });
    expect(results.map((each) => (each.ok ? each.outcome : each.error.code))).toEqual([
      'stored',
      'INVALID_INPUT',
      'IDEMPOTENCY_CONFLICT',
      'stored',
    ]);
    expect(await allTexts()).toEqual(['a', 'd', 'taken']);
  });

  test('atomic rememberMany, whichever message is the last before the connection ends', async () => {
    async function* items(from: number) {
      for (let i = 0; i < 5; i++) yield { text: `${from + i}` };
    }
    const options = { atomic: true, batchSize: 2 };
    for (let message = 0; message < 4; message++) {
      let yielded = 0;
      const source = (async function* () {
        for await (const item of items(message * 5)) {
          if (yielded++ === message) proxy.cutNext();
          yield item;
        }
      })();
      expect(await agent.rememberMany(source, options)).toMatchObject({ stored: 5, duplicates: 0 });
    }
    expect(proxy.cuts).toBe(4);
    expect(await allTexts()).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`).sort());
  });

  test('update with `ifRevision`, although its first run has already changed the revision', async () => {
    const { id } = await agent.remember('one');
    const updated = await withoutFirstAnswer(() => agent.update(id, { text: 'two' }, { ifRevision: 1 }));
    expect(updated).toMatchObject({ id, revision: 2, text: 'two' });
    expect(updated.updatedAt).toBeInstanceOf(Date);
    expect(await agent.history(id)).toHaveLength(2);
  });

  test('share', async () => {
    const { id } = await agent.remember('one');
    const change = { namespace: ['n', 'm'] };
    expect(await withoutFirstAnswer(() => agent.share(id, change, { ifRevision: 1 }))).toMatchObject({
      ...change,
      revision: 2,
    });
    expect(await agent.history(id)).toHaveLength(2);
  });

  test('forget', async () => {
    const { id } = await agent.remember('one');
    expect(await withoutFirstAnswer(() => agent.forget(id))).toBe(true);
    expect(await agent.forget(id)).toBe(false);
  });

  test('changes of rules', async () => {
    const { access } = store.admin;
    const rule = await withoutFirstAnswer(() => access.allow(principal, 'reader', ['x']));
    expect(rule).toMatchObject({ to: principal, actions: 'reader', at: ['x'], declared: false });
    expect((await access.list()).filter(({ declared }) => !declared)).toEqual([rule]);
    expect(await withoutFirstAnswer(() => access.end(rule.id))).toBe(true);
    expect(await access.end(rule.id)).toBe(false);
  });

  test('many concurrent writes, in their order', async () => {
    proxy.cutNext();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => agent.remember(`text ${10 + i}`, { key: 'k' })),
    );
    expect(answers.map(({ revision }) => revision)).toEqual(answers.map((_, i) => i + 1));
    expect(proxy.cuts).toBe(1);
  });
});

describe('the stored outcome of a write', () => {
  test('is removed by the next write of the same client, and contains no text', async () => {
    const keptOutcomes = () => {
      const database = new BetterSqlite(join(folder, 'memory.db'), { readonly: true });
      const rows = database.prepare('select outcome from requests').all() as { outcome: string }[];
      database.close();
      return rows.map(({ outcome }) => outcome);
    };
    for (let i = 0; i < 5; i++) await agent.remember(`passport ${i}`);
    const { id } = await agent.remember('passport');
    await agent.update(id, { text: 'another passport' });
    const outcomes = keptOutcomes();
    expect(outcomes).toHaveLength(1);
    expect(outcomes.join()).not.toContain('passport');
  });
});

describe('after a lost answer', () => {
  test('a read is sent again', async () => {
    const { id } = await agent.remember('one two three');
    expect(await withoutFirstAnswer(() => agent.recall('two'))).toHaveLength(1);
    expect(await withoutFirstAnswer(() => agent.get(id))).toMatchObject({ id });
    expect(await withoutFirstAnswer(() => agent.list())).toMatchObject({ items: [{ id }] });
    expect(await withoutFirstAnswer(() => store.stats())).toMatchObject({ memories: 1 });
  });

  test('a list that is iterated and a watch continue where they stopped', async () => {
    for (let i = 0; i < 5; i++) await agent.remember(`note ${i}`);
    const listed: string[] = [];
    for await (const { text } of agent.list({ limit: 2, order: 'oldest' })) {
      listed.push(text);
      proxy.cutNext();
    }
    expect(listed).toEqual(['note 0', 'note 1', 'note 2', 'note 3', 'note 4']);
    const watched: (string | undefined)[] = [];
    for await (const { memory } of agent.watch({ since: 'start' })) {
      watched.push(memory?.text);
      if (watched.length === 5) break;
      proxy.cutNext();
    }
    expect(watched).toEqual(listed);
  });

  test('a watch that has not yet delivered a change misses no change', async () => {
    await agent.remember('before');
    const next = agent.watch()[Symbol.asyncIterator]();
    const first = next.next();
    await agent.count();
    proxy.cutNext();
    await server.as(principal, { namespace }).remember('after');
    expect((await first).value).toMatchObject({ type: 'stored', memory: { text: 'after' } });
  });

  test('forgetWhere rejects with OUTCOME_UNKNOWN, unless it is a dry run', async () => {
    await agent.remember('one');
    expect(await codeOf(() => withoutFirstAnswer(() => agent.forgetWhere({ namespace }, { dryRun: false })))).toBe(
      'OUTCOME_UNKNOWN',
    );
    expect(await withoutFirstAnswer(() => agent.forgetWhere({ namespace }, { dryRun: true }))).toMatchObject({
      matched: 0,
    });
  });
});

test('a write gets its own answer although an invalid rememberMany is called at the same time', async () => {
  const calls = [agent.rememberMany([{ text: 'a' }], { batchSize: 0 }), agent.remember('one')];
  expect(await Promise.allSettled(calls)).toMatchObject([
    { status: 'rejected', reason: { code: 'INVALID_INPUT' } },
    { status: 'fulfilled', value: { outcome: 'stored' } },
  ]);
});

test('the next serving process knows which writes the previous process has done', async () => {
  const folder = await temporaryFolder();
  const first = await MemoryStore.open(folder, { access: openToAll, serve: true });
  const nextProxy = await cutAnswersOf(folder);
  const client = await MemoryStore.connect(folder);
  const handle = client.as(principal, { namespace });
  const { id } = await handle.remember('one');
  nextProxy.cutNext();
  const updated = handle.update(id, { text: 'two' }, { ifRevision: 1 });
  const remembered = handle.remember('three');
  while (nextProxy.cuts === 0) await new Promise(setImmediate);
  await first.close();
  await openFolder(folder, { serve: true });
  expect(await updated).toMatchObject({ revision: 2, text: 'two' });
  expect(await remembered).toMatchObject({ outcome: 'stored' });
  expect(await handle.count()).toBe(2);
  await client.close();
});
