import { randomBytes } from 'node:crypto';
import fs, { cpSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import type { SegmentStorageOptions } from '../../../src/raft/storage/node-files';
import { SegmentStorage } from '../../../src/raft/storage/segment-storage';
import type { FileCalls } from '../../../src/raft/storage/storage-files';
import { temporaryFolder } from '../../faults/folders';

/** Opens the storage of a node, and closes it after the test. */
export async function openNode(folder: string, options: Partial<SegmentStorageOptions> = {}): Promise<SegmentStorage> {
  const storage = await SegmentStorage.open({ folder, randomBytes, segmentBytes: 2 ** 14, ...options });
  onTestFinished(() => storage.close());
  return storage;
}

/** Calls that do not wait for the disk, for tests that neither cut the power nor look at syncs. */
export const withoutSyncs: FileCalls = {
  ...fs,
  fsyncSync: () => undefined,
  fdatasync: (_fd, done) => void setImmediate(() => done(null)),
  fsync: (_fd, done) => void setImmediate(() => done(null)),
};

/** A copy of a folder as it is now. */
export function copyOf(folder: string): string {
  const copy = temporaryFolder();
  cpSync(folder, copy, { recursive: true });
  return copy;
}
