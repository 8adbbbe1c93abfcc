import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allow, type ConnectedStore, type ConnectOptions, MemoryStore } from 'multi-agent-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Program } from '../faults/programs';
import { codeOf, openFolder, refusal, temporaryFolder } from '../store/stores';
import { type BuiltProgram, buildProgram } from './programs';

const namespace = ['open'];
let servers: BuiltProgram;
let idlePrograms: BuiltProgram;
let folder: string;
beforeAll(async () => {
  servers = await buildProgram('connect/serving-program.ts');
  idlePrograms = await buildProgram('connect/idle-program.ts');
});
afterAll(() => {
  servers.remove();
  idlePrograms.remove();
});
beforeEach(async () => {
  folder = await temporaryFolder();
});

async function startServer(): Promise<Program> {
  const program = servers.start({ folder });
  onTestFinished(async () => void (await program.kill()));
  await program.said<{ say: string }>(({ say }) => say === 'serving');
  return program;
}

async function connect(options: ConnectOptions = {}): Promise<ConnectedStore> {
  const store = await MemoryStore.connect(folder, { waitMs: 20_000, ...options });
  onTestFinished(() => store.close());
  return store;
}

const writerPid = () => JSON.parse(readFileSync(join(folder, 'holder.json'), 'utf8')).pid as number;

describe('if no process serves the folder', () => {
  test('connect rejects with a retryable STORE_UNREACHABLE', async () => {
    const error = await refusal(() => MemoryStore.connect(folder, { waitMs: 50 }));
    expect([error.code, error.retryable]).toEqual(['STORE_UNREACHABLE', true]);
    expect(error.message).toContain('takeOver');
  });

  test('connect with `takeOver` opens and serves the folder', async () => {
    const store = await connect({ takeOver: { access: [allow('everyone', 'writer', namespace)] } });
    expect(writerPid()).toBe(process.pid);
    const agent = store.as({ agentId: 'a' }, { namespace });
    expect(await agent.remember('note')).toMatchObject({ outcome: 'stored' });
    const other = await connect();
    expect(await other.admin.count()).toBe(1);
  });

  test('connect opens the folder once, even if many calls run at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: 20 }, () => connect({ takeOver: true })));
    await Promise.all(stores.map((store) => store.admin.remember('note', { namespace })));
    expect(await stores[7]?.admin.count()).toBe(20);
    for (const store of stores) await store.close();
    expect(await codeOf(() => MemoryStore.connect(folder, { waitMs: 0 }))).toBe('STORE_UNREACHABLE');
  });

  test('connect rejects the options that open rejects', async () => {
    expect(await codeOf(() => MemoryStore.connect(folder, { takeOver: { exactUpTo: -1 } }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => MemoryStore.connect(folder, { takeOver: { readOnly: true } }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => MemoryStore.connect(folder, { wait: 5 } as never))).toBe('INVALID_INPUT');
    expect(await codeOf(() => MemoryStore.connect('', {}))).toBe('INVALID_INPUT');
  });

  test('connect with `takeOver` serves the folder, even if this process has opened it without serving', async () => {
    const store = await openFolder(folder);
    await store.admin.remember('note', { namespace });
    expect(await codeOf(() => MemoryStore.connect(folder, { waitMs: 0 }))).toBe('STORE_UNREACHABLE');
    expect(await (await connect({ takeOver: true })).admin.count()).toBe(1);
  });
});

describe('if the serving process is killed', () => {
  test('clients without takeOver get STORE_UNREACHABLE, and continue with the next serving process', async () => {
    const server = await startServer();
    const store = await connect({ waitMs: 50 });
    await store.admin.remember('one', { namespace });
    const watched = store.admin.watch()[Symbol.asyncIterator]().next();
    watched.catch(() => undefined);
    await server.kill();
    expect(await codeOf(() => store.admin.count())).toBe('STORE_UNREACHABLE');
    expect(await codeOf(() => store.admin.remember('two', { namespace }))).toBe('STORE_UNREACHABLE');
    expect(await codeOf(() => watched)).toBe('STORE_UNREACHABLE');
    await startServer();
    expect(await store.admin.count()).toBe(1);
  });

  test('one client with `takeOver` serves the folder, and the calls of all clients succeed', async () => {
    const server = await startServer();
    const stores = await Promise.all(Array.from({ length: 3 }, () => connect({ takeOver: true })));
    const bystander = await connect();
    const changes = bystander.admin.watch()[Symbol.asyncIterator]();
    const first = changes.next();
    await bystander.admin.count();
    await server.kill();
    await Promise.all([...stores, bystander].map((store) => store.admin.remember('note', { namespace })));
    expect(writerPid()).toBe(process.pid);
    expect(await bystander.admin.count()).toBe(4);
    expect((await first).value).toMatchObject({ type: 'stored' });
  });

  test('the rules that it declared stay in force unless the next serving process declares others', async () => {
    const server = await startServer();
    const store = await connect({ takeOver: true });
    await server.kill();
    await store.as({ agentId: 'a' }).remember('note', { namespace });
    await store.close();
    const second = await startServer();
    const strict = await connect({ takeOver: { access: [] } });
    await second.kill();
    expect(await codeOf(() => strict.as({ agentId: 'a' }).remember('note', { namespace }))).toBe('FORBIDDEN');
  });
});

describe('if the serving process closes its store', () => {
  test('the calls that it has started are answered, and the next serving process runs the other calls', async () => {
    const server = await startServer();
    const store = await connect({ takeOver: true });
    const writes = Array.from({ length: 200 }, (_, i) =>
      store.admin.remember(`note ${i}`, { namespace, key: `k${i}` }),
    );
    server.tell('close');
    const answers = await Promise.all(writes);
    expect(answers.every(({ outcome, revision }) => outcome === 'stored' && revision === 1)).toBe(true);
    expect(await store.admin.count()).toBe(200);
    expect((await server.ended).code).toBe(0);
  });

  test('a client with `takeOver` takes over immediately', async () => {
    const server = await startServer();
    const store = await connect({ takeOver: true });
    server.tell('close');
    await server.ended;
    await vi.waitFor(() => expect(writerPid()).toBe(process.pid), 20_000);
    expect(await store.admin.count()).toBe(0);
  });

  test('the close does not wait for clients in the same process', async () => {
    const store = await openFolder(folder, { serve: true });
    const client = await connect({ waitMs: 0 });
    await client.admin.count();
    const watching = client.admin.watch()[Symbol.asyncIterator]().next();
    watching.catch(() => undefined);
    await store.close();
    expect(await codeOf(() => client.admin.count())).toBe('STORE_UNREACHABLE');
    expect(await codeOf(() => watching)).toBe('STORE_UNREACHABLE');
  });
});

describe('a client', () => {
  test('waits for its writes when it closes, and rejects further calls', async () => {
    await startServer();
    const store = await connect();
    const write = store.admin.remember('note', { namespace });
    await store.close();
    expect(await write).toMatchObject({ outcome: 'stored' });
    expect(await codeOf(() => store.admin.count())).toBe('STORE_CLOSED');
    expect(() => store.as({ agentId: 'a' })).toThrow('closed');
    await store.close();
  });

  test('ends its watches when it closes', async () => {
    await startServer();
    const store = await connect();
    const next = store.admin.watch()[Symbol.asyncIterator]().next();
    await store.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test.each([true, false])('keeps no process alive while it makes no calls (takeOver: %s)', async (takeOver) => {
    if (!takeOver) await startServer();
    const { code, stderr } = await idlePrograms.start({ folder, takeOver }).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('keeps its process alive while it waits for a serving process, until its call rejects with STORE_UNREACHABLE', async () => {
    const { code, stderr } = await idlePrograms.start({ folder, takeOver: false, waitMs: 200 }).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('STORE_UNREACHABLE');
  });

  test('gets the reason of the signal if it aborts a call, and the call writes nothing', async () => {
    await startServer();
    const store = await connect();
    const controller = new AbortController();
    const source = async function* () {
      yield { text: 'one', namespace };
      controller.abort(new Error('Enough.'));
      yield { text: 'two', namespace };
    };
    const { signal } = controller;
    await expect(store.admin.rememberMany(source(), { atomic: true, signal })).rejects.toThrow('Enough.');
    await expect(store.admin.recall('one', { signal })).rejects.toThrow('Enough.');
    expect(await store.admin.count()).toBe(0);
  });

  test('gets the error that its iterable throws; with `atomic` the call writes nothing', async () => {
    await startServer();
    const store = await connect();
    const source = async function* () {
      yield { text: 'one', namespace };
      throw new TypeError('No more.');
    };
    await expect(store.admin.rememberMany(source(), { atomic: true })).rejects.toThrow(TypeError);
    expect(await store.admin.count()).toBe(0);
  });
});
