import fs, { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MemoryError } from '../../../src/domain/errors';
import { temporaryFolder } from '../../faults/folders';
import { fillUp, smallDisk } from '../../faults/small-disk';
import { openNode } from './nodes';
import { normal } from './storage-conformance';

const segmentBytes = 2 ** 20;
const large = (index: number) => normal(index, 1, 'x'.repeat(100_000));

test('a node on a full disk votes, starts, and goes on when there is room (skipped if no small disk can be mounted)', async (context) => {
  const disk = smallDisk(8);
  if (disk === undefined) return context.skip();
  const folder = join(disk, 'raft');
  let storage = await openNode(folder, { segmentBytes });
  await storage.store({ hardState: { term: 1, vote: 1, commit: 0 }, entries: [large(1)] });
  let last = 1;
  let failure: unknown;
  fillUp(disk);
  while (failure === undefined) {
    try {
      await storage.store({ entries: [large(last + 1)] });
      last++;
    } catch (error) {
      failure = error;
    }
  }
  expect(failure).toSatisfy(MemoryError.is);
  expect(failure).toMatchObject({ code: 'DISK_FULL', retryable: true });
  await storage.store({ hardState: { term: 2, vote: 3, commit: 1 }, entries: [] });
  await storage.close();
  fillUp(disk);
  storage = await openNode(folder, { segmentBytes });
  expect(storage.lastIndex()).toBe(last);
  expect(storage.initialState().hardState).toMatchObject({ term: 2, vote: 3 });
  await storage.store({ hardState: { term: 4, vote: 5, commit: 1 }, entries: [] });
  await expect(storage.store({ entries: [large(last + 1)] })).rejects.toMatchObject({ code: 'DISK_FULL' });
  for (const file of readdirSync(disk)) if (file.startsWith('filler')) rmSync(join(disk, file));
  await storage.store({ entries: [large(last + 1)] });
  await storage.close();
  storage = await openNode(folder, { segmentBytes });
  expect([storage.lastIndex(), storage.initialState().hardState.term]).toEqual([last + 1, 4]);
});

test('a disk that stalls for 5 seconds holds nothing else', async () => {
  let stallsUntil = 0;
  const fdatasync = (fd: number, done: (error: Error | null) => void) => {
    void setTimeout(Math.max(0, stallsUntil - Date.now())).then(() => fs.fdatasync(fd, done));
  };
  const storage = await openNode(temporaryFolder(), { calls: { ...fs, fdatasync } });
  await storage.store({ hardState: { term: 1, vote: 1, commit: 0 }, entries: [normal(1, 1)] });
  stallsUntil = Date.now() + 5_000;
  let isStored = false;
  const stored = Promise.all([2, 3, 4].map((index) => storage.store({ entries: [normal(index, 1)] }))).then(() => {
    isStored = true;
  });
  let turns = 0;
  const startedAt = Date.now();
  while (!isStored) {
    await setTimeout(10);
    expect(storage.entries(1, 5, 10_000)).toHaveLength(4);
    turns++;
  }
  await stored;
  expect(Date.now() - startedAt).toBeGreaterThan(4_500);
  // A loop that is held would have few turns.
  expect(turns).toBeGreaterThan(100);
});
