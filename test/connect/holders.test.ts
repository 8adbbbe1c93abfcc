import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allow, type ConnectedStore, type ConnectOptions, MemoryStore } from 'multi-agent-memory';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Program } from '../faults/programs';
import { codeOf, openFolder, refusal, temporaryFolder } from '../store/stores';
import { type BuiltProgram, buildProgram } from './programs';

const namespace = ['open'];
let holders: BuiltProgram;
let idlers: BuiltProgram;
let folder: string;
beforeAll(async () => {
  holders = await buildProgram('connect/holder-program.ts');
  idlers = await buildProgram('connect/idle-program.ts');
});
afterAll(() => {
  holders.remove();
  idlers.remove();
});
beforeEach(async () => {
  folder = await temporaryFolder();
});

async function startHolder(): Promise<Program> {
  const program = holders.start({ folder });
  onTestFinished(async () => void (await program.kill()));
  await program.said<{ say: string }>(({ say }) => say === 'serving');
  return program;
}

async function connect(options: ConnectOptions = {}): Promise<ConnectedStore> {
  const store = await MemoryStore.connect(folder, { waitMs: 20_000, ...options });
  onTestFinished(() => store.close());
  return store;
}

const holderPid = () => JSON.parse(readFileSync(join(folder, 'holder.json'), 'utf8')).pid as number;

describe('where nobody holds the folder', () => {
  test('connect is STORE_UNREACHABLE, which may be tried again', async () => {
    const error = await refusal(() => MemoryStore.connect(folder, { waitMs: 50 }));
    expect([error.code, error.retryable]).toEqual(['STORE_UNREACHABLE', true]);
    expect(error.message).toContain('takeOver');
  });

  test('connect with takeOver opens it', async () => {
    const store = await connect({ takeOver: { access: [allow('everyone', 'writer', namespace)] } });
    expect(holderPid()).toBe(process.pid);
    const agent = store.as({ agentId: 'a' }, { namespace });
    expect(await agent.remember('note')).toMatchObject({ outcome: 'stored' });
    const other = await connect();
    expect(await other.admin.count()).toBe(1);
  });

  test('many that connect at once open it once', async () => {
    const stores = await Promise.all(Array.from({ length: 20 }, () => connect({ takeOver: true })));
    await Promise.all(stores.map((store) => store.admin.remember('note', { namespace })));
    expect(await stores[7]?.admin.count()).toBe(20);
    for (const store of stores) await store.close();
    expect(await codeOf(() => MemoryStore.connect(folder, { waitMs: 0 }))).toBe('STORE_UNREACHABLE');
  });

  test('what open would throw is thrown', async () => {
    expect(await codeOf(() => MemoryStore.connect(folder, { takeOver: { exactUpTo: -1 } }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => MemoryStore.connect(folder, { takeOver: { readOnly: true } }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => MemoryStore.connect(folder, { wait: 5 } as never))).toBe('INVALID_INPUT');
    expect(await codeOf(() => MemoryStore.connect('', {}))).toBe('INVALID_INPUT');
  });

  test('nor serves it, though a store of this process has it open, connect with takeOver begins to', async () => {
    const store = await openFolder(folder);
    await store.admin.remember('note', { namespace });
    expect(await codeOf(() => MemoryStore.connect(folder, { waitMs: 0 }))).toBe('STORE_UNREACHABLE');
    expect(await (await connect({ takeOver: true })).admin.count()).toBe(1);
  });
});

describe('where the holder is killed', () => {
  test('whoever may not take over hears of it, and is served again by the next holder', async () => {
    const holder = await startHolder();
    const store = await connect({ waitMs: 50 });
    await store.admin.remember('one', { namespace });
    const watched = store.admin.watch()[Symbol.asyncIterator]().next();
    watched.catch(() => undefined);
    await holder.kill();
    expect(await codeOf(() => store.admin.count())).toBe('STORE_UNREACHABLE');
    expect(await codeOf(() => store.admin.remember('two', { namespace }))).toBe('STORE_UNREACHABLE');
    expect(await codeOf(() => watched)).toBe('STORE_UNREACHABLE');
    await startHolder();
    expect(await store.admin.count()).toBe(1);
  });

  test('one of those that may take over does, the others go on with it, and calls go through', async () => {
    const holder = await startHolder();
    const stores = await Promise.all(Array.from({ length: 3 }, () => connect({ takeOver: true })));
    const bystander = await connect();
    const changes = bystander.admin.watch()[Symbol.asyncIterator]();
    const first = changes.next();
    await bystander.admin.count();
    await holder.kill();
    await Promise.all([...stores, bystander].map((store) => store.admin.remember('note', { namespace })));
    expect(holderPid()).toBe(process.pid);
    expect(await bystander.admin.count()).toBe(4);
    expect((await first).value).toMatchObject({ type: 'stored' });
  });

  test('rules that were declared stay where the next one declares none, and give way to those that it declares', async () => {
    const holder = await startHolder();
    const store = await connect({ takeOver: true });
    await holder.kill();
    await store.as({ agentId: 'a' }).remember('note', { namespace });
    await store.close();
    const second = await startHolder();
    const strict = await connect({ takeOver: { access: [] } });
    await second.kill();
    expect(await codeOf(() => strict.as({ agentId: 'a' }).remember('note', { namespace }))).toBe('FORBIDDEN');
  });
});

describe('where the holder closes', () => {
  test('what it was asked is answered, and the next one goes on', async () => {
    const holder = await startHolder();
    const store = await connect({ takeOver: true });
    const writes = Array.from({ length: 200 }, (_, i) =>
      store.admin.remember(`note ${i}`, { namespace, key: `k${i}` }),
    );
    holder.tell('close');
    const answers = await Promise.all(writes);
    expect(answers.every(({ outcome, revision }) => outcome === 'stored' && revision === 1)).toBe(true);
    expect(await store.admin.count()).toBe(200);
    expect((await holder.ended).code).toBe(0);
  });

  test('a client that may take over does so at once', async () => {
    const holder = await startHolder();
    const store = await connect({ takeOver: true });
    holder.tell('close');
    await holder.ended;
    await vi.waitFor(() => expect(holderPid()).toBe(process.pid), 20_000);
    expect(await store.admin.count()).toBe(0);
  });

  test('clients in its own process are no reason to wait', async () => {
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
  test('that closes waits for its writes, and takes no more calls', async () => {
    await startHolder();
    const store = await connect();
    const write = store.admin.remember('note', { namespace });
    await store.close();
    expect(await write).toMatchObject({ outcome: 'stored' });
    expect(await codeOf(() => store.admin.count())).toBe('STORE_CLOSED');
    expect(() => store.as({ agentId: 'a' })).toThrow('closed');
    await store.close();
  });

  test('that closes ends its watches', async () => {
    await startHolder();
    const store = await connect();
    const next = store.admin.watch()[Symbol.asyncIterator]().next();
    await store.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test.each([true, false])(
    'that does neither close nor ask keeps no process alive (takeOver: %s)',
    async (takeOver) => {
      if (!takeOver) await startHolder();
      const { code, stderr } = await idlers.start({ folder, takeOver }).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
  );

  test('that waits for a holder is kept alive until it is told that there is none', async () => {
    const { code, stderr } = await idlers.start({ folder, takeOver: false, waitMs: 200 }).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('STORE_UNREACHABLE');
  });

  test('that aborts hears its own reason, and nothing is written', async () => {
    await startHolder();
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

  test('whose items throw hears what they threw, and with atomic nothing is written', async () => {
    await startHolder();
    const store = await connect();
    const source = async function* () {
      yield { text: 'one', namespace };
      throw new TypeError('No more.');
    };
    await expect(store.admin.rememberMany(source(), { atomic: true })).rejects.toThrow(TypeError);
    expect(await store.admin.count()).toBe(0);
  });
});
