import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { allow, type MemoryHandle, MemoryStore } from 'multi-agent-memory';
import { serveStdio } from 'multi-agent-memory/mcp';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answered, clientInfo } from './test-client';

const cwd = fileURLToPath(new URL('../../..', import.meta.url));
const program = fileURLToPath(new URL('programs/stdio-server.ts', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-stdio-'));
});

afterAll(() => rm(folder, { recursive: true }));

describe('a server process', () => {
  test('serves several clients of the SDK one after the other', async () => {
    const args = ['--import', 'tsx', program, join(folder, 'a'), 'assistant', 'notes'];
    for (const [n, text] of ['The keys are at the bakery.', 'The bakery closes at six.'].entries()) {
      const client = new Client(clientInfo);
      await client.connect(new StdioClientTransport({ command: process.execPath, args, cwd }));
      await answered(client, 'add_memory', { text });
      const { memories } = await answered<{ memories: object[] }>(client, 'search_memories', { query: 'bakery' });
      expect(memories).toHaveLength(n + 1);
      await client.close();
    }
  });

  test('serves lines of JSON-RPC, and answers invalid lines with errors', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, join(folder, 'b'), 'auto', 'notes'], { cwd });
    const client = rawClient(child);
    const errors: string[] = [];
    child.stderr.on('data', (text) => errors.push(String(text)));
    const initialize = { protocolVersion: '1999-01-01', capabilities: {}, clientInfo };
    // For an unknown version, the server answers with one that it supports.
    expect(await client.request('initialize', initialize)).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
    client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect(await client.raw('{"jsonrpc": "2.0", "id": 7, "meth')).toMatchObject({ id: null, error: { code: -32700 } });
    expect(await client.raw('{"hello": 1}')).toMatchObject({ id: null, error: { code: -32600 } });
    expect(await client.raw('[]')).toMatchObject({ id: null, error: { code: -32600 } });
    expect(await client.raw(`"${'x'.repeat(200_000)}"`)).toMatchObject({ id: null, error: { code: -32600 } });
    expect(await client.request('no/such', {})).toMatchObject({ error: { code: -32601 } });
    expect(await client.request('tools/call', { name: 'none', arguments: {} })).toMatchObject({
      error: { code: -32602 },
    });
    expect(await client.request('tools/call', { arguments: 5 })).toMatchObject({ error: { code: -32602 } });
    expect(await client.request('resources/read', { uri: 'memory://x' })).toMatchObject({ error: { code: -32002 } });
    const added = { name: 'add_memory', arguments: { text: 'Still here.' } };
    expect(await client.request('tools/call', added)).toMatchObject({
      result: { structuredContent: { outcome: 'stored' } },
    });
    expect(await client.request('ping', {})).toMatchObject({ result: {} });
    child.stdin.end();
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(client.unexpected).toEqual([]);
    expect(errors.join('')).toBe('');
  });

  test('answers all requests that it received before the end of its input, and reports an incomplete last line', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, join(folder, 'c'), 'auto', 'notes'], { cwd });
    const client = rawClient(child);
    const responses = [
      client.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }),
      client.request('tools/call', { name: 'add_memory', arguments: { text: 'Written in haste.' } }),
      client.request('tools/call', { name: 'search_memories', arguments: { query: 'haste' } }),
    ];
    const parseError = client.next(null);
    child.stdin.end('{"jsonrpc": "2.0"');
    expect(await Promise.all(responses)).toMatchObject([
      { result: { protocolVersion: '2025-06-18' } },
      { result: { structuredContent: { outcome: 'stored' } } },
      { result: {} },
    ]);
    expect(await parseError).toMatchObject({ error: { code: -32700 } });
    expect(await once(child, 'close')).toEqual([0, null]);
  });
});

describe('a server in this process', () => {
  let store: MemoryStore;

  afterEach(() => store.close());

  async function served() {
    store = await MemoryStore.inMemory({ access: [allow('everyone', 'writer', [])] });
    const handle: MemoryHandle = store.as({ agentId: 'a' }, { namespace: ['notes'] });
    const [input, output] = [new PassThrough(), new PassThrough()];
    const reported: unknown[] = [];
    const serving = await serveStdio(handle, { input, output, onError: (error) => reported.push(error) });
    return { input, output, reported, serving };
  }

  test('stops reading when it is closed, and can be closed twice', async () => {
    const { input, output, serving } = await served();
    await serving.close();
    await serving.close();
    await serving.closed;
    input.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    expect(output.read()).toBeNull();
  });

  test('ends when its client has disconnected', async () => {
    const { output, serving, reported } = await served();
    output.destroy(new Error('EPIPE'));
    await serving.closed;
    expect(reported).toMatchObject([{ message: 'EPIPE' }]);
  });

  test('sends no answer to responses, even invalid ones', async () => {
    const { input, output, serving } = await served();
    const lines = createInterface({ input: output })[Symbol.asyncIterator]();
    const error = { code: -32_700, message: 'Parse error' };
    const responses = [{ id: null, error }, { id: {}, result: {} }, { result: 1 }].map((each) => ({
      jsonrpc: '2.0',
      ...each,
    }));
    for (const each of [...responses, { jsonrpc: '2.0', id: 1, method: 'ping' }])
      input.write(`${JSON.stringify(each)}\n`);
    expect(JSON.parse((await lines.next()).value)).toMatchObject({ id: 1, result: {} });
    await serving.close();
  });

  test('accepts lines in pieces, several lines at once, and both kinds of line ends', async () => {
    const { input, output, serving } = await served();
    const lines = createInterface({ input: output })[Symbol.asyncIterator]();
    input.write('{"jsonrpc":"2.0","id":1,"me');
    input.write('thod":"ping"}\r\n\n{"jsonrpc":"2.0","id":2,"method":"ping"}\n{"json');
    input.write('rpc":"2.0","id":3,"method":"ping"}\n');
    const ids: number[] = [];
    for (let n = 0; n < 3; n++) ids.push(JSON.parse((await lines.next()).value).id);
    expect(ids).toEqual([1, 2, 3]);
    await serving.close();
  });
});

/** A client that only writes and reads lines of JSON. */
function rawClient(child: ChildProcessWithoutNullStreams) {
  const waiting = new Map<number | null, (message: object) => void>();
  const unexpected: string[] = [];
  let id = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as { id: number | null };
    const resolve = waiting.get(message.id);
    if (resolve === undefined) unexpected.push(line);
    waiting.delete(message.id);
    resolve?.(message);
  });
  const next = (responseId: number | null) => new Promise<object>((resolve) => waiting.set(responseId, resolve));
  const send = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`);
  return {
    unexpected,
    next,
    send,
    request(method: string, params: object) {
      const answer = next(++id);
      send({ jsonrpc: '2.0', id, method, params });
      return answer;
    },
    /** Sends a line and returns the response without an id. */
    raw(line: string) {
      const answer = next(null);
      child.stdin.write(`${line}\n`);
      return answer;
    },
  };
}
