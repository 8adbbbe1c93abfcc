import { type IncomingMessage, request } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { allow, MemoryStore } from 'multi-agent-memory';
import { type McpHttpOptions, type McpHttpServer, serveHttp } from 'multi-agent-memory/mcp';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { answered, clientInfo } from './test-client';

const tokens = { ann: 'token-of-ann-0123456789', bob: 'token-of-bob-0123456789' };
let store: MemoryStore;
let server: McpHttpServer;
let agentByToken: Map<string, string>;
const clients: Client[] = [];

beforeEach(async () => {
  store = await MemoryStore.inMemory({ access: [allow('everyone', 'writer', ['notes'])] });
  agentByToken = new Map(Object.entries(tokens).map(([agentId, token]) => [token, agentId]));
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await server?.close();
  await store.close();
});

async function serve(options: McpHttpOptions = {}): Promise<void> {
  const authenticate = async (token: string) => {
    const agentId = agentByToken.get(token);
    return agentId === undefined ? undefined : store.as({ agentId }, { namespace: ['notes'] });
  };
  server = await serveHttp(authenticate, options);
}

async function connect(token: string): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const headers = { Authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers } });
  const client = new Client(clientInfo);
  await client.connect(transport as Parameters<Client['connect']>[0]);
  clients.push(client);
  return { client, transport };
}

interface RawRequest {
  readonly method?: string;
  readonly body?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
});
const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} });

/** Sends a raw HTTP request. */
function send({ method = 'POST', body, path = '/mcp', headers = {} }: RawRequest) {
  const { hostname, port } = new URL(server.url);
  const all = {
    Authorization: `Bearer ${tokens.ann}`,
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...headers,
  };
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers: all }, (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('clients over HTTP', () => {
  test('act as the agents of their tokens, each in its own session', async () => {
    await serve();
    const [{ client: ann }, { client: bob }] = [await connect(tokens.ann), await connect(tokens.bob)];
    expect(server.sessions).toBe(2);
    await answered(ann, 'add_memory', { text: 'For all agents.' });
    await answered(ann, 'add_memory', { text: 'For Ann.', visibility: 'private' });
    const texts = async (client: Client) =>
      (await answered<{ memories: { text: string; agentId: string }[] }>(client, 'list_memories', { order: 'oldest' }))
        .memories;
    expect(await texts(ann)).toMatchObject([{ text: 'For all agents.', agentId: 'ann' }, { text: 'For Ann.' }]);
    expect(await texts(bob)).toMatchObject([{ text: 'For all agents.' }]);
    expect(await texts(bob)).toHaveLength(1);
  });

  test('share one handle if they send its token', async () => {
    const handle = store.as({ agentId: 'ann' }, { namespace: ['notes'] });
    server = await serveHttp(handle, { token: tokens.ann });
    const { client } = await connect(tokens.ann);
    expect((await client.listTools()).tools).toHaveLength(6);
    expect((await send({ body: initialize, headers: { Authorization: `Bearer ${tokens.bob}` } })).status).toBe(401);
  });

  test('receive progress notifications', async () => {
    await serve();
    const { client } = await connect(tokens.ann);
    const ids: string[] = [];
    for (const text of ['One.', 'Two.']) ids.push((await answered<{ id: string }>(client, 'add_memory', { text })).id);
    const progressEvents: unknown[] = [];
    const onprogress = (progress: unknown) => progressEvents.push(progress);
    await client.callTool({ name: 'delete_memory', arguments: { ids } }, undefined, { onprogress });
    expect(progressEvents).toHaveLength(2);
  });

  test('can end their session', async () => {
    await serve();
    const { transport } = await connect(tokens.ann);
    await transport.terminateSession();
    await vi.waitFor(() => expect(server.sessions).toBe(0), 20_000);
  });
});

describe('a request', () => {
  test.each([
    ['no token', { Authorization: '' }],
    ['a wrong token', { Authorization: 'Bearer nonsense' }],
    ['another kind of authorization', { Authorization: `Basic ${tokens.ann}` }],
  ])('with %s gets 401 and opens no session', async (_, headers) => {
    await serve();
    const { status, headers: answer, text } = await send({ body: initialize, headers });
    expect([status, answer['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32000 } });
    expect(server.sessions).toBe(0);
  });

  test.each([
    ['a web page of another origin', { Origin: 'https://evil.example' }],
    ['a web page of the origin null', { Origin: 'null' }],
    ['another host name', { Host: 'evil.example' }],
    ['a host name that starts like an allowed one', { Host: 'localhost.evil.example:80' }],
  ])('from %s gets 403 before its token is checked', async (_, headers) => {
    const checked: string[] = [];
    server = await serveHttp((token) => void checked.push(token));
    expect((await send({ body: initialize, headers })).status).toBe(403);
    expect(checked).toEqual([]);
  });

  test('gets 404 if its session was opened with another token, as if the session did not exist', async () => {
    await serve();
    const { transport } = await connect(tokens.ann);
    const id = String(transport.sessionId);
    const ask = (token: string, session: string) =>
      send({ body: list, headers: { Authorization: `Bearer ${token}`, 'Mcp-Session-Id': session } });
    const [own, stolen, invented] = [
      await ask(tokens.ann, id),
      await ask(tokens.bob, id),
      await ask(tokens.bob, 'invented'),
    ];
    expect([own.status, stolen.status, invented.status]).toEqual([200, 404, 404]);
    expect(stolen.text).toBe(invented.text);
    const ended = { method: 'DELETE', headers: { Authorization: `Bearer ${tokens.bob}`, 'Mcp-Session-Id': id } };
    expect((await send(ended)).status).toBe(404);
    expect(server.sessions).toBe(1);
  });

  test('cannot use its session after its token was revoked', async () => {
    await serve();
    const { client } = await connect(tokens.ann);
    agentByToken.delete(tokens.ann);
    await expect(client.listTools()).rejects.toThrow();
  });

  test('uses the handle that the host currently returns for its token', async () => {
    await serve();
    const { client } = await connect(tokens.ann);
    await answered(client, 'add_memory', { text: 'For Ann.', visibility: 'private' });
    agentByToken.set(tokens.ann, 'bob');
    const { memories } = await answered<{ memories: unknown[] }>(client, 'list_memories', {});
    expect(memories).toEqual([]);
    expect((await client.listResources()).resources).toEqual([]);
    const { id } = await answered<{ id: string }>(client, 'add_memory', { text: 'Written as bob.' });
    expect(await store.admin.get(id)).toMatchObject({ agentId: 'bob' });
  });
});

describe('a client that loses its connection', () => {
  const eventIds = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => String(id));

  test('receives an event id and a retry delay before the answer, and can request the answer again', async () => {
    await serve();
    const { text, headers } = await send({ body: initialize });
    expect(text).toMatch(/^id: \S+\nretry: 1000\ndata: \n\n/);
    const session = { 'Mcp-Session-Id': String(headers['mcp-session-id']), 'Mcp-Protocol-Version': '2025-11-25' };
    const answer = await send({ body: list, headers: session });
    const [first, last] = eventIds(answer.text);
    const resumed = await resume(session, String(first));
    expect(resumed.text).toContain(`id: ${last}`);
    const dataOf = (events: string) => events.slice(events.indexOf('data: {'));
    expect(dataOf(resumed.text)).toBe(dataOf(answer.text));
    expect((await resume(session, '999999_x')).status).toBe(400);
    expect((await resume(session, 'invented')).status).toBe(400);
    const [other] = eventIds((await send({ body: list, headers: session })).text);
    expect((await resume(session, String(other))).text).not.toContain(`id: ${last}`);
  });

  test('gets an error if it missed more events than the server keeps', async () => {
    await serve();
    const { headers, text } = await send({ body: initialize });
    const session = { 'Mcp-Session-Id': String(headers['mcp-session-id']), 'Mcp-Protocol-Version': '2025-11-25' };
    for (let i = 0; i < 40; i++) await send({ body: list, headers: session });
    expect((await resume(session, String(eventIds(text)[0]))).status).toBe(400);
  });

  test('gets no empty event if it uses an older protocol version', async () => {
    await serve();
    const { text } = await send({ body: initialize.replace('2025-11-25', '2025-06-18') });
    expect(text).not.toContain('retry');
    expect(text).not.toMatch(/^data: $/m);
  });

  /** Asks for the events after one. The stream stays open, so this reads what comes at once. */
  async function resume(session: Record<string, string>, eventId: string): Promise<{ status: number; text: string }> {
    const headers = {
      ...session,
      Authorization: `Bearer ${tokens.ann}`,
      Accept: 'text/event-stream',
      'Last-Event-ID': eventId,
    };
    const response = await fetch(server.url, { headers });
    const reader = response.body?.getReader();
    const first = response.status === 200 ? await reader?.read() : undefined;
    await reader?.cancel();
    return { status: response.status, text: Buffer.from(first?.value ?? []).toString() };
  }
});

describe('a web page of an allowed origin', () => {
  test('gets CORS headers, also for the preflight request without token', async () => {
    await serve({ allowedOrigins: ['https://app.example'] });
    const Origin = 'https://app.example';
    const preflight = await send({ method: 'OPTIONS', headers: { Origin, Authorization: '' } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe(Origin);
    const { status, headers } = await send({ body: initialize, headers: { Origin } });
    expect([status, headers['access-control-allow-origin']]).toEqual([200, Origin]);
  });
});

describe('an invalid request', () => {
  test.each([
    ['an incomplete message', { body: initialize.slice(0, 40) }, 400, -32700],
    ['JSON that is not JSON-RPC', { body: '{"hello": 1}' }, 400, -32700],
    ['a call before a session', { body: list }, 400, -32000],
    ['another content type', { body: initialize, headers: { 'Content-Type': 'text/plain' } }, 415, -32000],
    ['an Accept header that cannot be met', { body: initialize, headers: { Accept: 'text/html' } }, 406, -32000],
    ['another path', { body: initialize, path: '/' }, 404, -32000],
    ['another method', { method: 'PUT', body: '{}' }, 405, -32000],
    ['a body that is too long', { body: JSON.stringify({ text: 'x'.repeat(5_000) }) }, 413, -32000],
  ])('with %s gets the status and code of HTTP and JSON-RPC, and opens no session', async (_, sent, status, code) => {
    await serve({ maxBodyBytes: 4_000 });
    const answer = await send(sent as RawRequest);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ id: null, error: { code } });
    expect(server.sessions).toBe(0);
    expect((await (await connect(tokens.ann)).client.listTools()).tools).toHaveLength(6);
  });

  test('with an unknown protocol version gets 400', async () => {
    await serve();
    const { transport } = await connect(tokens.ann);
    const headers = { 'Mcp-Session-Id': String(transport.sessionId), 'Mcp-Protocol-Version': '1999-01-01' };
    expect((await send({ body: list, headers })).status).toBe(400);
  });

  test('whose token check throws gets 500 without details, and onError gets the error', async () => {
    const reported: unknown[] = [];
    const failing = () => Promise.reject(new Error('ldap://secret'));
    server = await serveHttp(failing, { onError: (error) => reported.push(error) });
    const { status, text } = await send({ body: initialize });
    expect(status).toBe(500);
    expect(text).not.toContain('secret');
    expect(reported).toMatchObject([{ message: 'ldap://secret' }]);
  });

  test('gets its 500 even if onError throws', async () => {
    const fail = () => {
      throw new Error('of the host');
    };
    server = await serveHttp(fail, { onError: fail });
    expect((await send({ body: initialize })).status).toBe(500);
  });

  test.each([undefined, null])('whose token check returns %s gets 401', async (handle) => {
    server = await serveHttp(() => handle);
    expect((await send({ body: initialize })).status).toBe(401);
  });
});

describe('limits', () => {
  test('a request that would open more than `maxSessions` sessions gets 503 until another session ends', async () => {
    await serve({ maxSessions: 1 });
    const { transport } = await connect(tokens.ann);
    expect((await send({ body: initialize })).status).toBe(503);
    await transport.terminateSession();
    await vi.waitFor(async () => expect((await send({ body: initialize })).status).toBe(200), 20_000);
  });

  test('an idle session is closed, and its client then gets 404', async () => {
    await serve({ idleMs: 30 });
    const { headers } = await send({ body: initialize });
    await vi.waitFor(() => expect(server.sessions).toBe(0), { timeout: 10_000 });
    const later = await send({ body: list, headers: { 'Mcp-Session-Id': String(headers['mcp-session-id']) } });
    expect(later.status).toBe(404);
  });

  test('close ends sessions, streams and connections, and can be called twice', async () => {
    await serve();
    await connect(tokens.ann);
    await server.close();
    await server.close();
    expect(server.sessions).toBe(0);
    await expect(send({ body: initialize })).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('options', () => {
  test('by default the server listens on loopback and on a free port', async () => {
    await serve();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/);
  });

  test('every invalid option is reported at once', async () => {
    const handle = store.as({ agentId: 'ann' });
    const options = { port: 70_000, path: 'mcp', host: '0.0.0.0', idleMs: 0, sessions: 5 } as McpHttpOptions;
    await expect(serveHttp(handle, options)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: ['sessions', 'port', 'path', 'idleMs', 'token', 'allowedHosts'].map((name) =>
        expect.objectContaining({ path: [name] }),
      ),
    });
    // A header cannot carry the second one.
    for (const token of ['short', 'a token that has spaces'])
      await expect(serveHttp(handle, { token })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('a port that is in use leads to the error from Node.js', async () => {
    await serve();
    const port = Number(new URL(server.url).port);
    await expect(serveHttp(() => undefined, { port })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('the client of a token', () => {
  test('gets at most `maxSessionsPerToken` sessions, so clients of other tokens still get sessions', async () => {
    await serve({ maxSessionsPerToken: 2 });
    for (let i = 0; i < 2; i++) expect((await send({ body: initialize })).status).toBe(200);
    expect((await send({ body: initialize })).status).toBe(429);
    expect((await send({ body: initialize, headers: { Authorization: `Bearer ${tokens.bob}` } })).status).toBe(200);
  });

  test('loses its sessions with its first request after the token was revoked', async () => {
    await serve();
    await connect(tokens.ann);
    await connect(tokens.bob);
    agentByToken.delete(tokens.ann);
    expect((await send({ body: initialize })).status).toBe(401);
    expect(server.sessions).toBe(1);
  });

  test('loses its open streams when the token is revoked', async () => {
    await serve({ revalidateMs: 20 });
    const opened = await send({ body: initialize });
    const session = { 'Mcp-Session-Id': String(opened.headers['mcp-session-id']) };
    const headers = { ...session, Authorization: `Bearer ${tokens.ann}`, Accept: 'text/event-stream' };
    const stream = await new Promise<IncomingMessage>((resolve, reject) => {
      request(server.url, { headers }, resolve).on('error', reject).end();
    });
    expect(stream.statusCode).toBe(200);
    const ended = new Promise((resolve) => stream.once('close', resolve));
    stream.on('error', () => undefined).resume();
    agentByToken.delete(tokens.ann);
    await ended;
    expect(server.sessions).toBe(0);
  });
});

test.each(['//', 'http://[bad', '/mcp/..//'])('the request target %s is not found', async (path) => {
  await serve();
  expect((await send({ path, body: initialize })).status).toBe(404);
});
