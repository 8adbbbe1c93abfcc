import { describe, vi } from 'vitest';
import { skipExceptions } from '../../connect/specifications/exceptions';
import { followerLibrary } from '../follower-library';

vi.mock('multi-agent-memory', async (original) => followerLibrary(await original()));
skipExceptions({});

describe('on a follower', async () => {
  await import('../../store/bad-input.test');
  await import('../../store/attacks.test');
  await import('../../store/plain-objects.test');
  await import('../../store/operations.test');
  await import('../../store/names.test');
});
