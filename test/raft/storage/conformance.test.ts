import { describe, test } from 'vitest';
import { MemoryStorage } from '../../../src/raft/storage/memory-storage';
import { temporaryFolder } from '../../faults/folders';
import { copyOf, openNode, withoutSyncs } from './nodes';
import { raftStorageConformance } from './storage-conformance';

describe('the storage in memory', () => {
  const cases = raftStorageConformance(async () => {
    const storage = new MemoryStorage();
    return { storage, restart: async () => storage };
  });
  test.each(cases)('$name', ({ run }) => run());
});

describe.each([
  { cacheBytes: 2 ** 20, segmentBytes: 2 ** 14 },
  { cacheBytes: 700, segmentBytes: 2 ** 12 },
])('the storage on disk, with a cache of $cacheBytes bytes and segments of $segmentBytes', (options) => {
  const cases = raftStorageConformance(async () => {
    let folder = temporaryFolder();
    let storage = await openNode(folder, { ...options, calls: withoutSyncs });
    return {
      storage,
      restart: async (end) => {
        if (end === 'closed') await storage.close();
        // What a process leaves that is killed now.
        else folder = copyOf(folder);
        storage = await openNode(folder, { ...options, calls: withoutSyncs });
        return storage;
      },
    };
  });
  test.each(cases)('$name', ({ run }) => run());
});
