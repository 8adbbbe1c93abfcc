import { describe, vi } from 'vitest';
import { skipExceptions } from '../../connect/specifications/exceptions';
import { followerLibrary } from '../follower-library';

vi.mock('multi-agent-memory', async (original) => followerLibrary(await original()));
skipExceptions({});

describe('on a follower', async () => {
  await import('../../store/access-handle.test');
  await import('../../access/rules.test');
  await import('../../audit/reads.test');
  await import('../../audit/queries.test');
});
