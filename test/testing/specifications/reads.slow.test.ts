import { describe, vi } from 'vitest';
import { skipExceptions } from '../../connect/specifications/exceptions';
import { followerLibrary } from '../follower-library';

vi.mock('multi-agent-memory', async (original) => followerLibrary(await original()));
skipExceptions({});

describe('on a follower', async () => {
  await import('../../recall/consistency.test');
  await import('../../recall/list.test');
  await import('../../recall/short-id.test');
  await import('../../recall/watch.test');
});
