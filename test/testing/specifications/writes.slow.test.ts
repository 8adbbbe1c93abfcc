import { describe, vi } from 'vitest';
import { skipExceptions } from '../../connect/specifications/exceptions';
import { followerLibrary } from '../follower-library';

vi.mock('multi-agent-memory', async (original) => followerLibrary(await original()));
skipExceptions({});

describe('on a follower', async () => {
  await import('../../write/batches.test');
  await import('../../write/forget.test');
  await import('../../write/idempotency.test');
  await import('../../write/keys.test');
  await import('../../write/quotas.test');
  await import('../../write/share.test');
  await import('../../write/supersedes.test');
  await import('../../write/update.test');
});
