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
let holder: MemoryStore;
beforeEach(async () => {
  folder = await temporaryFolder();
  holder = await openFolder(folder, { serve: true });
  await holder.admin.remember('note', { namespace: ['n'] });
});

/** That a client in protocol is served, whatever others do. */
async function stillServed(): Promise<void> {
  await using store = await MemoryStore.connect(folder);
  expect(await store.admin.count()).toBe(1);
}

describe('who is let in', () => {
  test('who knows the token; anybody else is told that it is not the right one, and nothing else', async () => {
    for (const token of ['', 'x', 'f'.repeat(64)]) {
      const stranger = new RawClient(folder);
      stranger.hello({ token });
      stranger.send(callOf(1, 'count', []));
      await stranger.ended;
      expect(stranger.messages).toEqual([
        { t: 'unwelcome', error: expect.objectContaining({ code: 'STORE_UNREACHABLE' }) },
      ]);
    }
    await stillServed();
  });

  test('nobody before saying hello', async () => {
    const stranger = new RawClient(folder);
    stranger.send(callOf(1, 'count', []));
    await stranger.ended;
    expect(stranger.messages).toEqual([]);
  });

  test('nobody of another protocol: an error names both versions, and is not to be tried again', async () => {
    const stranger = new RawClient(folder);
    stranger.hello({ hello: 3 });
    await stranger.ended;
    const [{ error }] = stranger.messages as [{ error: { message: string; retryable: boolean } }];
    expect(error.retryable).toBe(false);
    expect(error.message).toMatch(/version 2 .* version 3/);
  });

  test('nothing that others than the user could have reached', async () => {
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
    await stillServed();
  });
});

describe('a folder is not served', () => {
  test('where its meeting place is open to others, or a link', async () => {
    const open = await temporaryFolder();
    mkdirSync(join(open, 'connect'), { mode: 0o755 });
    chmodSync(join(open, 'connect'), 0o755);
    expect(await codeOf(() => MemoryStore.open(open, { serve: true }))).toBe('INVALID_INPUT');
    const linked = await temporaryFolder();
    symlinkSync(await temporaryFolder(), join(linked, 'connect'));
    expect(await codeOf(() => MemoryStore.open(linked, { serve: true }))).toBe('INVALID_INPUT');
    // It was let go.
    await (await openFolder(linked)).close();
  });

  test('that is only read, or in memory', async () => {
    expect((await refusal(() => MemoryStore.open(folder, { serve: true, readOnly: true }))).issues[0]?.path).toEqual([
      'serve',
    ]);
    expect((await refusal(() => MemoryStore.inMemory({ serve: true }))).issues[0]?.path).toEqual(['serve']);
  });
});

describe('what makes no sense ends its own connection, and no other', () => {
  test.each<[string, (client: RawClient) => unknown]>([
    ['garbage', ({ socket }) => socket.write(Buffer.alloc(5_000, 'x'))],
    ['a message without end', ({ socket }) => socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1]))],
    ['a message that is not JSON', ({ socket }) => socket.write(Buffer.from([0, 0, 0, 1, 0x7b]))],
    ['a message of no kind', (client) => client.send({ t: 'dance', id: 1 })],
    ['a call without a number', (client) => client.send({ ...callOf(1, 'count', []), id: 'one' })],
    ['null', (client) => client.send(null)],
  ])('%s', async (_, break_) => {
    const client = new RawClient(folder);
    client.hello();
    await client.received(({ t }) => t === 'welcome');
    break_(client);
    await client.ended;
    await stillServed();
  });

  test.each<[string, object]>([
    ['an operation that does not exist', callOf(1, 'constructor', [])],
    ['a method that is none of the operations', callOf(1, 'store.close', [])],
    ['nobody', { ...callOf(1, 'count', []), handle: '[{"principal":{},"scopes":[{}]},[]]' }],
    ['a handle that is no JSON', { ...callOf(1, 'count', []), handle: '{' }],
    ['marks that lead nowhere', { ...callOf(1, 'count', []), args: [[], [[['a', 'b', 'c'], 'd', 1]]] }],
    [
      'marks that lead to prototypes',
      { ...callOf(1, 'count', []), args: [[{}], [[[0, '__proto__', 'polluted'], 'x']]] },
    ],
  ])('%s is refused', async (_, call) => {
    const client = new RawClient(folder);
    client.hello();
    client.send(call);
    await client.received(({ t, id }) => t === 'error' && id === 1);
    expect('polluted' in {}).toBe(false);
    await stillServed();
  });

  test('half a message waits for its other half, and goes with its client', async () => {
    const client = new RawClient(folder);
    client.hello();
    await client.received(({ t }) => t === 'welcome');
    client.socket.write(Buffer.from([0, 0, 1, 0, 0x7b, 0x7b]));
    await stillServed();
    client.socket.destroy();
    await stillServed();
  });
});

test('a client that does not read is not answered without end: it waits, and hinders nobody', async () => {
  await holder.admin.remember('long '.repeat(100_000), { namespace: ['n'] });
  const client = new RawClient(folder);
  client.hello();
  await client.received(({ t }) => t === 'welcome');
  client.socket.pause();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 2_000; i++) client.send(callOf(i, 'list', []));
  await using store = await MemoryStore.connect(folder);
  for (let i = 0; i < 20; i++) {
    expect(await store.admin.count()).toBe(2);
    await pause(10);
  }
  // A gigabyte was asked for.
  expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
  client.socket.destroy();
});

test('hundreds of clients are served beside each other', async () => {
  const stores = await Promise.all(Array.from({ length: 200 }, () => MemoryStore.connect(folder)));
  const answers = await Promise.all(
    stores.map((store, i) => store.as({ agentId: `a${i}` }).remember(`note ${i}`, { namespace: ['crowd'] })),
  );
  expect(new Set(answers.map(({ id }) => id)).size).toBe(200);
  expect(await stores[0]?.admin.count({ namespace: ['crowd'] })).toBe(200);
  await Promise.all(stores.map((store) => store.close()));
});

test('what a holder left that was killed is taken away by the next one, and its own goes when it closes', async () => {
  const left = join(folder, 'connect', 'ffffffffffffffff.sock');
  await holder.close();
  expect(readdirSync(join(folder, 'connect'))).toEqual([]);
  writeFileSync(left, '');
  writeFileSync(join(folder, 'connect', 'address.json'), JSON.stringify({ socket: left, token: 'old' }), {
    mode: 0o600,
  });
  holder = await openFolder(folder, { serve: true });
  expect(existsSync(left)).toBe(false);
  await stillServed();
});

test('a folder whose path is too long for a socket is served from a directory of the user', async () => {
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
