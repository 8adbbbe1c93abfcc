import { describe, vi } from 'vitest';
import { throughConnect } from '../through-connect';
import { leaveOutExceptions } from './exceptions';

vi.mock('multi-agent-memory', async (original) => throughConnect(await original()));
leaveOutExceptions();

describe('through connect', async () => {
  await import('../../write/batches.test');
  await import('../../write/forget.test');
  await import('../../write/idempotency.test');
  await import('../../write/keys.test');
  await import('../../write/share.test');
  await import('../../write/supersedes.test');
  await import('../../write/update.test');
});
