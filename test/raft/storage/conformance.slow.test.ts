import { test } from 'vitest';
import { temporaryFolder } from '../../faults/folders';
import { copyOf, openNode } from './nodes';
import { followModel } from './storage-conformance';

test.each(Array.from({ length: 12 }, (_, at) => at + 100))(
  'the storage on disk holds what the model holds, with real syncs (seed %i)',
  async (seed) => {
    const options = { cacheBytes: seed % 2 === 0 ? 500 : 2 ** 20, segmentBytes: 2 ** (12 + (seed % 3)) };
    let folder = temporaryFolder();
    let storage = await openNode(folder, options);
    const restart = async (end: 'closed' | 'killed') => {
      if (end === 'closed') await storage.close();
      else folder = copyOf(folder);
      storage = await openNode(folder, options);
      return storage;
    };
    await followModel({ storage, restart }, seed, 400);
  },
);
