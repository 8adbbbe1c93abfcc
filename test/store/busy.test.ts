import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { MemoryStore } from 'multi-agent-memory';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openFolder, temporaryFolder } from './stores';

const namespace = ['support'];

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

/** Locks a database against writers, as a backup tool does. */
function lock(file: string): { release(): void } {
  const database = new BetterSqlite(join(folder, file));
  database.exec('begin immediate');
  onTestFinished(() => void database.close());
  return { release: () => database.exec('rollback') };
}

/** The longest time in milliseconds in which the event loop did nothing else, while something ran. */
async function longestBlockOf(run: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await run().finally(() => clearInterval(timer));
  return Math.max(longest, performance.now() - last);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('while another program locks the database', () => {
  test('a write waits without blocking the event loop, and is stored once when the lock is released', async () => {
    const store = await openFolder(folder);
    await store.admin.remember('note', { namespace, embed: false });
    const { release } = lock('memory.db');
    let hasEnded = false;
    const writing = store.admin.remember('waits', { namespace, embed: false }).finally(() => {
      hasEnded = true;
    });
    const blocked = await longestBlockOf(async () => {
      await pause(1_000);
      expect(hasEnded).toBe(false);
      expect(await store.admin.count()).toBe(1);
    });
    release();
    expect((await writing).outcome).toBe('stored');
    // SQLite's own wait blocked it for 5 seconds. A busy machine may block it for some time.
    expect(blocked).toBeLessThan(800);
    expect(await store.admin.count()).toBe(2);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });

  test('an open waits until the lock is released', async () => {
    await (await openFolder(folder)).close();
    const { release } = lock('audit.db');
    const opening = MemoryStore.open(folder);
    await pause(300);
    release();
    await (await opening).close();
  });

  test('a read with a durable audit waits until its audit entry is written', async () => {
    const store = await openFolder(folder, { audit: { reads: 'durable' } });
    await store.admin.remember('note', { namespace, embed: false });
    const { release } = lock('audit.db');
    const reading = [store.admin.count(), store.admin.count()];
    await pause(300);
    reading.push(store.admin.count());
    release();
    expect(await Promise.all(reading)).toEqual([1, 1, 1]);
    expect((await store.audit.query({ action: 'count' })).items).toHaveLength(3);
  });
});
