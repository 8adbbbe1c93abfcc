import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { codeOf, openFolder, refusal, temporaryFolder } from '../store/stores';
import { callOf, RawClient } from './raw-client';

let folder: string;
let server: MemoryStore;
beforeEach(async () => {
  folder = await temporaryFolder();
  server = await openFolder(folder, { serve: true });
  await server.admin.remember('note', { namespace: ['n'] });
});

/** Connects. On a busy machine that may take longer than the default. */
const connect = () => MemoryStore.connect(folder, { waitMs: 60_000 });

/** Checks that a client of the library is still served. */
async function expectServed(): Promise<void> {
  await using store = await connect();
  expect(await store.admin.count()).toBe(1);
}

describe('a client is accepted', () => {
  test('only if it has the token; otherwise it gets one error and no answer', async () => {
    for (const token of ['', 'x', 'f'.repeat(64)]) {
      const client = new RawClient(folder);
      client.hello({ token });
      client.send(callOf(1, 'count', []));
      await client.ended;
      expect(client.messages).toEqual([
        { t: 'unwelcome', error: expect.objectContaining({ code: 'STORE_UNREACHABLE' }) },
      ]);
    }
    await expectServed();
  });

  test('only after it has sent a hello', async () => {
    const client = new RawClient(folder);
    client.send(callOf(1, 'count', []));
    await client.ended;
    expect(client.messages).toEqual([]);
  });

  test('only if it has the same protocol version; otherwise the error names both versions and is not retryable', async () => {
    const client = new RawClient(folder);
    client.hello({ hello: 3 });
    await client.ended;
    const [{ error }] = client.messages as [{ error: { message: string; retryable: boolean } }];
    expect(error.retryable).toBe(false);
    expect(error.message).toMatch(/version 2 .* version 3/);
  });

  test('only through a directory and a file that no other user can access', async () => {
    const own = join(folder, 'connect');
    expect(lstatSync(own).mode & 0o777).toBe(0o700);
    expect(lstatSync(join(own, 'address.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'holder.json'), 'utf8')).not.toContain('token');
    chmodSync(join(own, 'address.json'), 0o644);
    expect(await codeOf(() => MemoryStore.connect(folder))).toBe('INVALID_INPUT');
    chmodSync(join(own, 'address.json'), 0o600);
    chmodSync(own, 0o750);
    const error = await refusal(() => MemoryStore.connect(folder));
    expect(error.message).toContain('mode 700');
    chmodSync(own, 0o700);
    await expectServed();
  });
});

describe('a folder is not served', () => {
  test('if the directory of its socket is open to other users, or is a symbolic link', async () => {
    const open = await temporaryFolder();
    mkdirSync(join(open, 'connect'), { mode: 0o755 });
    chmodSync(join(open, 'connect'), 0o755);
    expect(await codeOf(() => MemoryStore.open(open, { serve: true }))).toBe('INVALID_INPUT');
    const linked = await temporaryFolder();
    symlinkSync(await temporaryFolder(), join(linked, 'connect'));
    expect(await codeOf(() => MemoryStore.open(linked, { serve: true }))).toBe('INVALID_INPUT');
    // The failed open has released the folder.
    await (await openFolder(linked)).close();
  });

  test('if it is opened with `readOnly`; an in-memory store is not served either', async () => {
    expect((await refusal(() => MemoryStore.open(folder, { serve: true, readOnly: true }))).issues[0]?.path).toEqual([
      'serve',
    ]);
    expect((await refusal(() => MemoryStore.inMemory({ serve: true }))).issues[0]?.path).toEqual(['serve']);
  });
});

describe('an invalid message', () => {
  test.each<[string, (client: RawClient) => unknown]>([
    ['garbage', ({ socket }) => socket.write(Buffer.alloc(5_000, 'x'))],
    ['a message that is too long', ({ socket }) => socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1]))],
    ['a message that is not JSON', ({ socket }) => socket.write(Buffer.from([0, 0, 0, 1, 0x7b]))],
    ['a message of an unknown kind', (client) => client.send({ t: 'dance', id: 1 })],
    ['a call whose id is not a number', (client) => client.send({ ...callOf(1, 'count', []), id: 'one' })],
    ['null', (client) => client.send(null)],
  ])('ends its connection and no other: %s', async (_, sendInvalid) => {
    const client = new RawClient(folder);
    client.hello();
    await client.received(({ t }) => t === 'welcome');
    sendInvalid(client);
    await client.ended;
    await expectServed();
  });

  test.each<[string, object]>([
    ['an unknown operation', callOf(1, 'constructor', [])],
    ['a method of a store that is not an operation', callOf(1, 'store.close', [])],
    ['a handle without a principal', { ...callOf(1, 'count', []), handle: '[{"principal":{},"scopes":[{}]},[]]' }],
    ['a handle that is not JSON', { ...callOf(1, 'count', []), handle: '{' }],
    ['a mark with a path that does not exist', { ...callOf(1, 'count', []), args: [[], [[['a', 'b', 'c'], 'd', 1]]] }],
    [
      'a mark with the path of a prototype',
      { ...callOf(1, 'count', []), args: [[{}], [[[0, '__proto__', 'polluted'], 'x']]] },
    ],
  ])('that is a call with %s gets an error', async (_, call) => {
    const client = new RawClient(folder);
    client.hello();
    client.send(call);
    await client.received(({ t, id }) => t === 'error' && id === 1);
    expect('polluted' in {}).toBe(false);
    await expectServed();
  });

  test('that is incomplete waits for its remaining bytes, and blocks no other client', async () => {
    const client = new RawClient(folder);
    client.hello();
    await client.received(({ t }) => t === 'welcome');
    client.socket.write(Buffer.from([0, 0, 1, 0, 0x7b, 0x7b]));
    await expectServed();
    client.socket.destroy();
    await expectServed();
  });
});

test('a client that does not read its answers is paused, and other clients are still served', async () => {
  await server.admin.remember('long '.repeat(100_000), { namespace: ['n'] });
  const client = new RawClient(folder);
  client.hello();
  await client.received(({ t }) => t === 'welcome');
  client.socket.pause();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 2_000; i++) client.send(callOf(i, 'list', []));
  await using store = await connect();
  for (let i = 0; i < 20; i++) {
    expect(await store.admin.count()).toBe(2);
    await pause(10);
  }
  // The answers would take a gigabyte.
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
  client.socket.destroy();
});

test('hundreds of clients are served at the same time', async () => {
  const stores = await Promise.all(Array.from({ length: 200 }, () => connect()));
  const answers = await Promise.all(
    stores.map((store, i) => store.as({ agentId: `a${i}` }).remember(`note ${i}`, { namespace: ['crowd'] })),
  );
  expect(new Set(answers.map(({ id }) => id)).size).toBe(200);
  expect(await stores[0]?.admin.count({ namespace: ['crowd'] })).toBe(200);
  await Promise.all(stores.map((store) => store.close()));
});

test('a serving process removes the socket that a killed process left, and removes its own files when it closes', async () => {
  const stale = join(folder, 'connect', 'ffffffffffffffff.sock');
  await server.close();
  expect(readdirSync(join(folder, 'connect'))).toEqual([]);
  writeFileSync(stale, '');
  writeFileSync(join(folder, 'connect', 'address.json'), JSON.stringify({ socket: stale, token: 'old' }), {
    mode: 0o600,
  });
  server = await openFolder(folder, { serve: true });
  expect(existsSync(stale)).toBe(false);
  await expectServed();
});

test("a folder whose path is too long for a socket is served from the user's runtime directory", async () => {
  const deep = join(await temporaryFolder(), 'x'.repeat(120));
  const store = await openFolder(deep, { serve: true });
  const { socket } = JSON.parse(readFileSync(join(deep, 'connect', 'address.json'), 'utf8'));
  expect(socket.startsWith(deep)).toBe(false);
  expect(lstatSync(join(socket, '..')).mode & 0o777).toBe(0o700);
  await using client = await MemoryStore.connect(deep);
  expect(await client.admin.count()).toBe(0);
  await client.close();
  await store.close();
  expect(existsSync(socket)).toBe(false);
});
