import fs, { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryStore } from '../../src';

/** Syncs that end when the test says so. Copies the files as they are when a sync begins: what the power cannot lose after it has ended. */
class Disk {
  readonly waiting: { readonly end: (error?: Error) => void; readonly copy: string }[] = [];
  readonly copies: string[] = [];
  /** The number of syncs that have ended. They end in order. */
  ended = 0;
  #isFree = false;

  constructor(folder: string, room: string) {
    vi.spyOn(fs, 'fdatasync').mockImplementation(((_: number, onDone: (error: Error | null) => void) => {
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
}

let room: string;
let store: MemoryStore;
let disk: Disk;

beforeEach(async () => {
  room = mkdtempSync(join(tmpdir(), 'commit-sync-'));
  const folder = join(room, 'store');
  store = await MemoryStore.open(folder);
  await remember('The first memory.');
  disk = new Disk(folder, room);
});

afterEach(async () => {
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
    const failure = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    const outcomes = Promise.allSettled([write, other]);
    for (const { end } of disk.waiting.splice(0)) end(failure);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'OUTCOME_UNKNOWN', retryable: false, cause: failure },
      });
    }
    await expect(remember('One more.')).rejects.toMatchObject({ code: 'FILE_FAILED', retryable: false });
    expect((await store.admin.recall('first memory'))[0]?.text).toBe('The first memory.');
  });
});
