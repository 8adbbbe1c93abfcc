import { describe, vi } from 'vitest';
import { skipExceptions } from '../../connect/specifications/exceptions';
import { followerLibrary } from '../follower-library';

vi.mock('multi-agent-memory', async (original) => followerLibrary(await original()));
skipExceptions({
  'a checkpoint is made for every 1,024 entries': 'each node makes checkpoints, and the option is passed to all three',
  'an error that `onCheckpoint` throws becomes an uncaught exception and does not affect the store':
    'each node makes checkpoints, and the option is passed to all three',
});

describe('on a follower', async () => {
  await import('../../store/access-handle.test');
  await import('../../access/rules.test');
  await import('../../audit/reads.test');
  await import('../../audit/queries.test');
});
