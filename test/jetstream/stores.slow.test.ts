import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { leaveCluster, MemoryError, MemoryStore } from 'multi-agent-memory';
import { jetStream } from 'multi-agent-memory/jetstream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { shell, values } from '../cli/shell';
import { findServer, NatsServers, titleWith } from './nats-server';

const found = await findServer();
const place = { namespace: ['team'] };

describe.skipIf('missing' in found)(titleWith(found, 'Stores on one stream'), () => {
  let servers: NatsServers;
  let streams = 0;
  let stream = '';
  const folders: string[] = [];
  const opened = new Set<MemoryStore>();

  beforeAll(async () => {
    if ('path' in found) servers = await NatsServers.start(found.path);
  });
  afterAll(async () => {
    await servers?.close();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const store of opened) await store.close();
    opened.clear();
  });

  function newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'jetstream-'));
    folders.push(folder);
    return folder;
  }
  async function open(folder: string, rest: { waitMs?: number } = {}): Promise<MemoryStore> {
    const log = jetStream({ servers: servers.addresses, stream, replicas: 1, ...rest });
    const store = await MemoryStore.open(folder, { log });
    opened.add(store);
    return store;
  }
  async function close(store: MemoryStore): Promise<void> {
    opened.delete(store);
    await store.close();
  }
  async function two(): Promise<{ folders: [string, string]; stores: [MemoryStore, MemoryStore] }> {
    stream = `stream-${++streams}`;
    const pair: [string, string] = [newFolder(), newFolder()];
    return { folders: pair, stores: [await open(pair[0]), await open(pair[1])] };
  }
  /** What both stores hold after the same entry. */
  async function assertEqual(store: MemoryStore): Promise<void> {
    const { members } = await store.cluster.compare();
    expect(members.map(({ state }) => state)).toEqual(members.map(() => 'equal'));
  }
  async function manager<T>(run: (jsm: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>): Promise<T> {
    const nats = await connect({ servers: servers.addresses });
    try {
      return await run(await jetstreamManager(nats));
    } finally {
      await nats.close();
    }
  }

  test('hold the same after concurrent writes on both, and after entries of several messages', async () => {
    const { stores } = await two();
    const [a, b] = stores;
    const writes = stores.flatMap((store, i) => numbers(40).map((n) => store.admin.remember(`fact ${i} ${n}`, place)));
    const long = stores.map((store) =>
      store.admin.rememberMany(
        numbers(10).map((n) => ({ text: longText(n), ...place })),
        { atomic: true },
      ),
    );
    await Promise.all([...writes, ...long]);
    expect(await b.admin.count({ consistency: { after: await a.position() } })).toBe(100);
    expect(await a.admin.count({ consistency: 'linearizable' })).toBe(100);
    await assertEqual(a);
    const { members, role, leader } = await b.cluster.status();
    expect(members.map(({ state, role: of }) => [state, of])).toEqual([
      ['running', 'learner'],
      ['running', 'learner'],
    ]);
    expect([role, leader]).toEqual(['follower', undefined]);
  });

  test('a store that is opened again, and one that begins later, have everything', async () => {
    const {
      folders: [first],
      stores: [a, b],
    } = await two();
    await a.admin.remember('before', place);
    await close(a);
    await b.admin.remember('while it was closed', place);
    const again = await open(first);
    const late = await open(newFolder());
    for (const store of [again, late, b]) expect(await store.admin.count({ consistency: 'linearizable' })).toBe(2);
    await assertEqual(late);
  });

  test('`cluster status` in a shell lists the stores, and is content without a leader', async () => {
    const {
      folders: pair,
      stores: [a, b],
    } = await two();
    await close(a);
    const log = jetStream({ servers: servers.addresses, stream, replicas: 1 });
    opened.add(await MemoryStore.open(pair[0], { log, serve: true }));
    const told = await shell(['cluster', 'status', pair[0]]);
    expect(told.code).toBe(0);
    const { cluster } = await b.cluster.status();
    expect(values(told)).toMatchObject([{ cluster, role: 'follower', members: [{ role: 'learner' }, {}] }]);
  });

  test('an ended rule binds the next read on another store', async () => {
    const {
      stores: [a, b],
    } = await two();
    for (const n of numbers(5)) {
      const { id } = await a.admin.access.allow({ agentId: `r${n}` }, 'reader', place.namespace);
      await a.admin.remember(`secret ${n}`, place);
      const position = await a.position();
      const reader = b.as({ agentId: `r${n}` });
      expect((await reader.count({ consistency: { after: position } })) > 0).toBe(true);
      await a.admin.access.end(id);
      expect(await reader.count()).toBe(0);
    }
  });

  test('go on after the server was killed: nothing is lost, nothing is there twice', async () => {
    const {
      stores: [a, b],
    } = await two();
    const settled: Promise<unknown>[] = [];
    const acknowledged = new Set<number>();
    for (const n of numbers(120)) {
      const write = (n % 2 === 0 ? a : b).admin.remember(`fact ${n}`, { ...place, key: `fact-${n}` });
      settled.push(
        write.then(
          () => acknowledged.add(n),
          () => undefined,
        ),
      );
      if (n === 40) await servers.kill();
      if (n === 80) await servers.run();
      await wait(10);
    }
    await Promise.all(settled);
    await a.admin.remember('the end', place);
    expect(acknowledged.size).toBeGreaterThan(60);
    for (const store of [a, b]) {
      const texts: string[] = [];
      for await (const { text } of store.admin.list({ ...place, consistency: 'linearizable' })) texts.push(text);
      expect(new Set(texts).size).toBe(texts.length);
      for (const n of acknowledged) expect(texts).toContain(`fact ${n}`);
    }
    await assertEqual(a);
  });

  test('stop when the stream was deleted, and do not take a new one for theirs', async () => {
    const {
      folders: [first],
      stores: [a, b],
    } = await two();
    await a.admin.remember('one', place);
    await manager((jsm) => jsm.streams.delete(stream));
    await assertStopped(a, 'LOG_REGRESSED');
    await assertStopped(b, 'LOG_REGRESSED');
    await close(a);
    const other = await open(newFolder());
    await Promise.all(numbers(30).map((n) => other.admin.remember(`fact ${n}`, place)));
    expect(await refusal(open(first))).toBe('CLUSTER_MISMATCH');
  });

  test('do not follow a stream that was purged beyond what they have', async () => {
    const {
      folders: [first],
      stores: [a, b],
    } = await two();
    await a.admin.remember('one', place);
    await close(a);
    for (const n of numbers(5)) await b.admin.remember(`fact ${n}`, place);
    await manager(async (jsm) => jsm.streams.purge(stream, { seq: (await jsm.streams.info(stream)).state.last_seq }));
    expect(await refusal(open(first))).toBe('LOG_REGRESSED');
    expect(await refusal(open(newFolder()))).toBe('CLUSTER_MISMATCH');
    await b.admin.remember('b has all of it', place);
  });

  test('stop when the servers have lost acknowledged entries, also if others have taken their place', async () => {
    const {
      folders: [first],
      stores: [a, b],
    } = await two();
    await a.admin.remember('kept', place);
    const copy = newFolder();
    await servers.kill();
    cpSync(servers.folderOf(), copy, { recursive: true });
    await servers.run();
    await a.admin.remember('acknowledged, and then lost', place);
    await b.admin.count({ consistency: 'linearizable' });
    await close(a);
    await servers.kill();
    rmSync(servers.folderOf(), { recursive: true });
    cpSync(copy, servers.folderOf(), { recursive: true });
    await servers.run();
    await assertStopped(b, 'LOG_REGRESSED');
    const other = await open(newFolder());
    for (const n of numbers(20)) await other.admin.remember(`in its place ${n}`, place);
    expect(await refusal(open(first))).toBe('LOG_REGRESSED');
    expect(await other.admin.count()).toBe(21);
  });

  test('a copy of a folder does not run beside the original', async () => {
    const {
      folders: [first],
      stores: [a, b],
    } = await two();
    await close(a);
    const copy = newFolder();
    cpSync(first, copy, { recursive: true });
    const again = await open(first);
    await again.admin.remember('the original', place);
    expect(await refusal(open(copy))).toBe('NODE_DUPLICATE');
    expect(await b.admin.count({ consistency: 'linearizable' })).toBe(1);
  });

  test('a folder with memories of its own is refused, and so is one that belongs to a log without its option', async () => {
    const {
      folders: [first],
      stores: [a],
    } = await two();
    const own = newFolder();
    const alone = await MemoryStore.open(own);
    await alone.admin.remember('mine', place);
    await alone.close();
    expect(await refusal(open(own))).toBe('INVALID_INPUT');
    await close(a);
    expect(await refusal(MemoryStore.open(first))).toBe('CLUSTER_MISMATCH');
    expect(leaveCluster(first)).toBe(true);
    await (await MemoryStore.open(first)).close();
  });

  /** The store refuses writes and reads, and says so in its events. */
  async function assertStopped(store: MemoryStore, code: string): Promise<void> {
    await expect.poll(async () => (await store.cluster.status()).role).toBe('halted');
    expect(await refusal(store.admin.remember('too late', place))).toBe(code);
    expect(await refusal(store.admin.count())).toBe(code);
  }
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

function longText(n: number): string {
  return `${n} `.repeat(8_000);
}

async function refusal(call: Promise<unknown>): Promise<unknown> {
  const settled = await call.then(
    () => 'none',
    (error: unknown) => error,
  );
  return MemoryError.is(settled) ? settled.code : settled;
}
