import fs, { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { allow, type Checkpoint, MemoryStore } from '../../src';
import { CommitSync } from '../../src/sqlite/commit-sync';
import { openDatabase } from '../../src/state/tables/database';

const diskFailure = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });

/** Syncs that end when the test says so. Copies the files as they are when a sync begins: what the power cannot lose after it has ended. */
class Disk {
  readonly waiting: { readonly end: (error?: Error) => void; readonly copy: string }[] = [];
  readonly copies: string[] = [];
  /** The number of syncs that have ended. They end in order. */
  ended = 0;
  /** Whether the syncs of the audit's database count, too. */
  includesAudit = false;
  #isFree = false;

  constructor(folder: string, room: string) {
    vi.spyOn(fs, 'fdatasync').mockImplementation(((file: number, onDone: (error: Error | null) => void) => {
      if (!this.includesAudit && auditFiles.has(file)) {
        setImmediate().then(() => onDone(null));
        return;
      }
      const done = (error: Error | null) => {
        this.ended++;
        onDone(error);
      };
      const copy = join(room, `copy-${this.copies.length}`);
      cpSync(folder, copy, { recursive: true });
      this.copies.push(copy);
      if (this.#isFree) setImmediate().then(() => done(null));
      else this.waiting.push({ end: (error) => done(error ?? null), copy });
    }) as typeof fs.fdatasync);
    vi.spyOn(fs, 'fdatasyncSync').mockImplementation(() => {
      throw new Error('This thread waited for the disk.');
    });
  }

  async syncs(count: number): Promise<void> {
    while (this.copies.length < count) await setImmediate();
  }

  free(): void {
    this.#isFree = true;
    for (const { end } of this.waiting.splice(0)) end();
  }

  hold(): void {
    this.#isFree = false;
  }

  fail(): void {
    for (const { end } of this.waiting.splice(0)) end(diskFailure);
  }
}

let room: string;
let store: MemoryStore;
let disk: Disk;
const auditFiles = new Set<number>();
const openFile = fs.openSync;

beforeEach(async () => {
  vi.spyOn(fs, 'openSync').mockImplementation((path, ...options) => {
    const file = openFile(path, ...options);
    if (String(path).endsWith('audit.db-wal')) auditFiles.add(file);
    else auditFiles.delete(file);
    return file;
  });
  room = mkdtempSync(join(tmpdir(), 'commit-sync-'));
  const folder = join(room, 'store');
  store = await MemoryStore.open(folder);
  await remember('The first memory.');
  disk = new Disk(folder, room);
});

afterEach(async () => {
  disk.free();
  vi.restoreAllMocks();
  await store.close().catch(() => undefined);
  rmSync(room, { recursive: true });
});

function remember(text: string) {
  return store.admin.remember(text, { namespace: ['home'] });
}

function settled(promise: Promise<unknown>): () => boolean {
  let is = false;
  promise
    .finally(() => {
      is = true;
    })
    .catch(() => undefined);
  return () => is;
}

describe('a store on disk', () => {
  test('acknowledges a write when it is on disk', async () => {
    const write = remember('The door code is 4711.');
    const isAcknowledged = settled(write);
    await disk.syncs(1);
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(isAcknowledged()).toBe(false);
    disk.free();
    await write;
  });

  test('returns a memory to a reader when it is on disk', async () => {
    const write = remember('The door code is 4711.');
    await disk.syncs(1);
    const reads = [store.admin.recall('door code'), store.admin.list()];
    const areReturned = settled(Promise.race<unknown>(reads));
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(areReturned()).toBe(false);
    disk.free();
    await Promise.all([write, ...reads]);
    const [hit] = await store.admin.recall('door code');
    expect(hit?.text).toBe('The door code is 4711.');
  });

  test('shares a sync among the writes that arrive while another runs', async () => {
    const first = remember('The first.');
    await disk.syncs(1);
    const others = Array.from({ length: 20 }, (_, i) => remember(`Number ${i}.`));
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(disk.copies).toHaveLength(1);
    disk.free();
    await Promise.all([first, ...others]);
    expect(disk.copies.length).toBeLessThanOrEqual(3);
  });

  test('has every acknowledged write on disk, whenever the power fails', async () => {
    disk.free();
    const acknowledged: { readonly id: string; readonly ended: number }[] = [];
    const writer = async (number: number) => {
      for (let i = 0; i < 8; i++) {
        const { id } = await remember(`Writer ${number} remembers ${i}.`);
        acknowledged.push({ id, ended: disk.ended });
      }
    };
    await Promise.all([0, 1, 2, 3].map(writer));
    expect(acknowledged).toHaveLength(32);
    for (let ended = 1; ended <= disk.ended; ended += 3) {
      const restored = await MemoryStore.open(disk.copies[ended - 1] as string);
      const expected = acknowledged.filter((each) => each.ended <= ended).map(({ id }) => id);
      for (const id of expected) expect(await restored.admin.get(id)).toBeDefined();
      await restored.close();
    }
  });

  test('rejects a write that the disk could not confirm with OUTCOME_UNKNOWN, and takes no more writes', async () => {
    const write = remember('The door code is 4711.');
    const other = remember('The window is open.');
    await disk.syncs(1);
    const outcomes = Promise.allSettled([write, other]);
    disk.fail();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'OUTCOME_UNKNOWN', retryable: false, cause: diskFailure },
      });
    }
    await expect(remember('One more.')).rejects.toMatchObject({ code: 'FILE_FAILED', retryable: false });
    expect((await store.admin.recall('first memory'))[0]?.text).toBe('The first memory.');
  });

  test('does not acknowledge a repeated write that the disk could not confirm', async () => {
    const options = { namespace: ['home'], idempotencyKey: 'once' };
    const write = store.admin.remember('The door code is 4711.', options).catch((error: unknown) => error);
    await disk.syncs(1);
    disk.fail();
    expect(await write).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const repeated = store.admin.remember('The door code is 4711.', options);
    await expect(repeated).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', retryable: false });
  });

  test('reports a commit to its listeners when it is on disk, and never if the disk could not confirm it', async () => {
    const reported: number[] = [];
    store.on('committed', ({ changeSeq }) => reported.push(changeSeq));
    const first = remember('The door code is 4711.');
    await disk.syncs(1);
    for (const { end } of disk.waiting.splice(0)) end();
    await first;
    expect(reported).toHaveLength(1);
    const second = remember('The window is open.').catch(() => undefined);
    await disk.syncs(2);
    disk.fail();
    await second;
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(reported).toHaveLength(1);
  });

  test('tells of a checkpoint of the audit when it is on disk, and makes no more after the disk could not confirm one', async () => {
    disk.free();
    disk.includesAudit = true;
    await store.close();
    const sizes: number[] = [];
    const onCheckpoint = ({ size }: Checkpoint) => sizes.push(size);
    store = await MemoryStore.open(join(room, 'store'), { audit: { onCheckpoint } });
    await remember('The door code is 4711.');
    disk.hold();
    await vi.waitUntil(() => disk.waiting.length > 0, { timeout: 10_000 });
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(sizes).toEqual([]);
    disk.free();
    await vi.waitUntil(() => sizes.length > 0);
    await remember('The window is open.');
    disk.hold();
    await vi.waitUntil(() => disk.waiting.length > 0, { timeout: 10_000 });
    disk.fail();
    await setImmediate();
    await expect(store.audit.checkpoint()).rejects.toMatchObject({ code: 'FILE_FAILED' });
    expect(sizes).toHaveLength(1);
  });

  test('refuses a write because of another one when the other is on disk', async () => {
    const [memory] = (await store.admin.list()).items;
    const id = memory?.id as string;
    const write = store.admin.update(id, { text: 'The second text.' });
    await disk.syncs(1);
    const refused = store.admin.update(id, { text: 'The third text.' }, { ifRevision: 1 }).catch((error) => error);
    const isRefused = settled(refused);
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(isRefused()).toBe(false);
    disk.free();
    await write;
    expect(await refused).toMatchObject({ code: 'REVISION_CONFLICT' });
  });

  test('iterates to the new text of a memory when it is on disk', async () => {
    disk.free();
    const { id } = await remember('The door code is 4711.');
    const memories = store.admin.list({ order: 'oldest' })[Symbol.asyncIterator]();
    expect((await memories.next()).value.text).toBe('The first memory.');
    disk.hold();
    const begun = disk.copies.length;
    const write = store.admin.update(id, { text: 'The door code is 4712.' });
    await disk.syncs(begun + 1);
    const next = memories.next();
    const isReturned = settled(next);
    for (let i = 0; i < 20; i++) await setImmediate();
    expect(isReturned()).toBe(false);
    disk.free();
    await write;
    expect((await next).value.text).toBe('The door code is 4712.');
  });

  test('closes the log again if it cannot be opened', async () => {
    disk.free();
    await store.close();
    vi.spyOn(fs, 'fdatasync').mockImplementation(((_: number, onDone: (error: Error) => void) => {
      setImmediate().then(() => onDone(diskFailure));
    }) as typeof fs.fdatasync);
    const opened = vi.spyOn(fs, 'openSync');
    const closed = vi.spyOn(fs, 'closeSync');
    const access = [allow('everyone', 'reader', ['home'])];
    await expect(MemoryStore.open(join(room, 'store'), { access })).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    const logs = opened.mock.calls.flatMap(([path], i) =>
      String(path).endsWith('-wal') ? [opened.mock.results[i]?.value] : [],
    );
    expect(logs.length).toBeGreaterThan(0);
    const ended = closed.mock.calls.map(([file]) => file);
    for (const log of logs) expect(ended).toContain(log);
  });
});

// The system tells an error of the disk once for each open file. So the thread that waits may learn of it, and not the other one.
describe('a commit that two threads sync', () => {
  test('is not durable if one of them fails', async () => {
    const database = openDatabase({ path: join(room, 'other.db'), readOnly: false });
    database.exec('create table numbers (number integer)');
    const sync = new CommitSync(database);
    sync.commit(() => database.exec('insert into numbers values (1)'));
    const synced = sync.synced()?.catch((error: unknown) => error);
    vi.mocked(fs.fdatasyncSync).mockImplementation(() => {
      throw diskFailure;
    });
    expect(() => sync.syncNow()).toThrow('could not confirm');
    disk.free();
    expect(await synced).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await sync.close();
    database.close();
  });

  test('is synced through a file of its own in each thread', () => {
    const database = openDatabase({ path: join(room, 'other.db'), readOnly: false });
    database.exec('create table numbers (number integer)');
    const sync = new CommitSync(database);
    sync.commit(() => database.exec('insert into numbers values (1)'));
    void sync.synced();
    vi.mocked(fs.fdatasyncSync).mockImplementation(() => undefined);
    sync.syncNow();
    const [[other]] = vi.mocked(fs.fdatasync).mock.calls.slice(-1) as unknown as [[number]];
    expect(vi.mocked(fs.fdatasyncSync).mock.calls[0]?.[0]).not.toBe(other);
    disk.free();
    return sync.close().then(() => database.close());
  });
});
