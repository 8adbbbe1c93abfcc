import { request } from 'node:http';
import { allow, type MemoryHandle } from 'multi-agent-memory';
import { serveHttp } from 'multi-agent-memory/mcp';
import { describe, expect, test } from 'vitest';
import { nextTurn } from '../../src/environment/timers';
import { answered, call, clientInfo, connected, textOf } from '../integrations/mcp/test-client';
import { all, issuePaths, openInMemory } from '../store/stores';

const agent = { agentId: 'a' };
const namespace = ['n'];
const textOfBytes = (bytes: number, word: string) => `${word} ${'x'.repeat(bytes - word.length - 1)}`;

async function stored(handle: MemoryHandle, count: number, bytes: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++)
    ids.push((await handle.remember(textOfBytes(bytes, `word${i}`), { namespace, embed: false })).id);
  return ids;
}

describe('an answer holds at most `limits.answerBytes`', () => {
  const limits = { answerBytes: 100_000 };

  test('a page of a list ends early, with a cursor, and an iteration continues after it', async () => {
    const store = await openInMemory({ limits });
    await stored(store.admin, 5, 60_000);
    const page = await store.admin.list();
    expect(page.items).toHaveLength(2);
    expect((await store.admin.list({ cursor: page.nextCursor as string })).items).toHaveLength(2);
    expect(await all(store.admin.list())).toHaveLength(5);
    expect((await store.admin.list({ maxBytes: 1 })).items).toHaveLength(1);
    expect((await store.admin.list({ maxBytes: 1e9, limit: 5 })).items).toHaveLength(2);
  });

  test('a recall that would return more is rejected, and the error contains the number of hits that fit', async () => {
    const store = await openInMemory({ limits });
    await stored(store.admin, 3, 45_000);
    const ask = (topK: number) => store.admin.recall('word0 word1 word2', { topK, mode: 'keyword' });
    expect(await issuePaths(() => ask(3))).toEqual(['topK']);
    expect(await ask(2)).toHaveLength(2);
  });

  test('a recall with `maxBytes` returns the best hits that fit, and at least one', async () => {
    const store = await openInMemory({ limits });
    await stored(store.admin, 3, 45_000);
    const ask = async (maxBytes: number) => {
      const hits = await store.admin.recall('word0 word1 word2', { topK: 3, mode: 'keyword', maxBytes });
      return hits.map(({ id }) => id);
    };
    const best = await ask(1e9);
    expect(best).toHaveLength(2);
    expect(await ask(1)).toEqual(best.slice(0, 1));
  });

  test('a history that would be longer is rejected, and can be read in parts', async () => {
    const store = await openInMemory({ limits });
    const [id] = (await stored(store.admin, 1, 45_000)) as [string];
    for (const word of ['two', 'three', 'four']) await store.admin.update(id, { text: textOfBytes(45_000, word) });
    expect(await issuePaths(() => store.admin.history(id))).toEqual(['limit']);
    const revisions = async (options: object) =>
      (await store.admin.history(id, options)).map(({ revision }) => revision);
    expect(await revisions({ limit: 2 })).toEqual([1, 2]);
    expect(await revisions({ fromRevision: 3 })).toEqual([3, 4]);
  });

  test('a longer list of namespaces is rejected, and namespaces can be counted by ancestor instead', async () => {
    const store = await openInMemory({ limits: { answerBytes: 1_000 } });
    for (let i = 0; i < 5; i++) await store.admin.remember('x', { namespace: ['n', `${i}`.repeat(400)], embed: false });
    expect(await issuePaths(() => store.admin.namespaces())).toEqual(['maxDepth']);
    expect(await store.admin.namespaces({ maxDepth: 1 })).toEqual([{ namespace, count: 5 }]);
    expect(await store.admin.stats()).toMatchObject({ memories: 5 });
  });

  test('namespaces are read in parts, each in the order of the whole list', async () => {
    const store = await openInMemory({ limits: { answerBytes: 1_000 } });
    const names = ['b', 'a', 'a/b', 'c', 'd'].map((label) => ['n', label.padEnd(400, '-')]);
    for (const namespace of names) await store.admin.remember('x', { namespace, embed: false });
    const read: string[][] = [];
    const sizes: number[] = [];
    for (;;) {
      const after = read.at(-1);
      const page = await store.admin.namespaces({ limit: 3, ...(after === undefined ? {} : { after }) });
      if (page.length === 0) break;
      sizes.push(page.length);
      for (const { namespace } of page) read.push(namespace);
    }
    expect(read).toEqual([...names].sort(([, a = ''], [, b = '']) => (a < b ? -1 : 1)));
    expect(sizes).toEqual([2, 2, 1]);
    expect(await store.admin.namespaces({ limit: 1, after: ['n'], maxDepth: 1 })).toEqual([]);
  });

  test('a longer list of rules is rejected, and can be read in parts', async () => {
    const store = await openInMemory({ limits: { answerBytes: 1_000 }, access: [] });
    const { access } = store.admin;
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push((await access.allow({ agentId: `${i}`.repeat(300) }, 'reader', ['n'])).id);
    expect(await issuePaths(() => access.list())).toEqual(['limit']);
    const listed = async (options: object) => (await access.list(options)).map(({ id }) => id);
    expect(await listed({ limit: 100 })).toEqual(ids.slice(0, 2));
    expect(await listed({ limit: 1 })).toEqual(ids.slice(0, 1));
    await access.end(ids[1] as string);
    expect(await listed({ limit: 2, after: ids[1] })).toEqual(ids.slice(2, 4));
    expect(await listed({ limit: 2, after: ids[0], ended: true })).toEqual(ids.slice(1, 3));
    expect(await listed({ limit: 2, after: ids[5] })).toEqual([]);
    expect(await issuePaths(() => access.list({ after: 'rule-0000000000000000' }))).toEqual(['after']);
  });
});

describe('an answer that is read in several turns', () => {
  const large = 900_000;
  const access = [allow(agent, 'reader', namespace)];

  test('lets other work run between its turns', async () => {
    const store = await openInMemory();
    await stored(store.admin, 8, large);
    let turns = 0;
    let isDone = false;
    const listing = Promise.resolve(store.admin.list()).then((page) => {
      isDone = true;
      return page;
    });
    for (; !isDone; turns++) await nextTurn();
    expect((await listing).items).toHaveLength(8);
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  test('obeys the rules in force in the last turn', async () => {
    const store = await openInMemory({ access: [] });
    const rule = await store.admin.access.allow(agent, 'reader', namespace);
    await stored(store.admin, 8, large);
    const reader = store.as(agent);
    const [listing, search] = [Promise.resolve(reader.list()), reader.recall('word1 word2', { mode: 'keyword' })];
    await nextTurn();
    await store.admin.access.end(rule.id);
    expect((await listing).items).toEqual([]);
    // The search reads less than a turn takes, and may have been done before.
    await search;
    expect(await reader.recall('word1', { mode: 'keyword' })).toEqual([]);
  });

  test('contains each memory as it is in the last turn', async () => {
    const store = await openInMemory({ access });
    const ids = await stored(store.admin, 8, large);
    const listing = Promise.resolve(store.as(agent).list());
    await nextTurn();
    await store.admin.update(ids[7] as string, { text: 'new', tags: ['changed'] });
    await store.admin.forget(ids[6] as string);
    const { items } = await listing;
    expect(items).toHaveLength(7);
    expect(items[0]).toMatchObject({ text: 'new', tags: ['changed'] });
  });
});

describe('an MCP server', () => {
  test('ends a page of long memories early, with a cursor', async () => {
    const store = await openInMemory();
    await stored(store.admin, 6, 300_000);
    const client = await connected(store.admin);
    const first = await answered<{ memories: unknown[]; nextCursor: string }>(client, 'list_memories', { limit: 100 });
    expect(first.memories).toHaveLength(2);
    const rest = await answered<{ memories: unknown[] }>(client, 'list_memories', { cursor: first.nextCursor });
    expect(rest.memories).toHaveLength(2);
    const result = await call(client, 'search_memories', { query: 'word0 word1 word2 word3', mode: 'keyword' });
    expect(result.structuredContent).toMatchObject({ omitted: 2, memories: [{}, {}] });
    expect(textOf(result)).toContain('2 more matches are left out');
    const { contents } = await client.readResource({ uri: 'memory://namespaces/n' });
    expect(JSON.stringify(contents).length).toBeLessThan(1_000_000);
  });

  test('runs only a few calls of a batch while the client does not read the answers', async () => {
    const store = await openInMemory();
    await stored(store.admin, 2, 900_000);
    let calls = 0;
    const list: MemoryHandle['list'] = (options) => {
      calls++;
      return store.admin.list(options);
    };
    const token = 'a-token-of-16-characters';
    const server = await serveHttp({ remember: () => undefined, list, scope: {} } as unknown as MemoryHandle, {
      token,
    });
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    };
    const post = (body: unknown, session: Record<string, string>) =>
      new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
        const sent = request(server.url, { method: 'POST', headers: { ...headers, ...session } }, resolve);
        sent.on('error', reject);
        sent.end(JSON.stringify(body));
      });
    const initialize = {
      ...{ jsonrpc: '2.0', id: 0, method: 'initialize' },
      params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo },
    };
    const opened = await post(initialize, {});
    opened.resume();
    const session = { 'Mcp-Session-Id': String(opened.headers['mcp-session-id']) };
    const batch = Array.from({ length: 60 }, (_, i) => ({
      ...{ jsonrpc: '2.0', id: i + 1, method: 'tools/call' },
      params: { name: 'list_memories', arguments: {} },
    }));
    const unread = await post(batch, session);
    let before = -1;
    // Until the buffers of the connection are full.
    while (before < calls) {
      before = calls;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(calls).toBeLessThan(40);
    let answers = 0;
    for await (const part of unread) answers += String(part).split('"structuredContent"').length - 1;
    expect(calls).toBe(60);
    expect(answers).toBeGreaterThan(50);
    await server.close();
  });
});
