import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Entry } from '../../../src/raft/core/entry';
import { SegmentStorage } from '../../../src/raft/storage/segment-storage';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mam-full-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function entry(index: number, term: number, bytes: number): Entry {
  return { kind: 'normal', index, term, data: Buffer.alloc(bytes, term) };
}

test('A full disk commits no entry in the place of one that found no room, also if the commit index comes alone', async () => {
  let isFull = false;
  const statfsSync = (path: string) => (isFull ? { bavail: 0, bsize: 1 } : fs.statfsSync(path));
  const calls = { ...fs, statfsSync } as unknown as typeof fs;
  const options = { folder, randomBytes, segmentBytes: 2 ** 12 };
  const storage = await SegmentStorage.open({ ...options, calls });
  const old = [1, 2, 3].map((index) => entry(index, 4, 100));
  await storage.store({ hardState: { term: 4, vote: 0, commit: 1 }, entries: old });
  isFull = true;
  // Larger than what is left in the segments that are there.
  const replacing = Array.from({ length: 5 }, (_, i) => entry(2 + i, 5, 3_000));
  const refused = storage.store({ hardState: { term: 5, vote: 0, commit: 1 }, entries: replacing });
  const commit = storage.store({ hardState: { term: 5, vote: 0, commit: 3 }, entries: [] });
  await expect(refused).rejects.toMatchObject({ code: 'DISK_FULL' });
  await commit;
  await storage.close();
  const again = await SegmentStorage.open(options);
  const { hardState } = again.initialState();
  expect(hardState.term).toBe(5);
  const terms = Array.from({ length: hardState.commit }, (_, i) => again.term(i + 1));
  expect(terms).toEqual([4]);
  await again.close();
});
