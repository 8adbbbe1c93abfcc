import { describe, vi } from 'vitest';
import { connectedLibrary } from '../connected-library';
import { skipExceptions } from './exceptions';

vi.mock('multi-agent-memory', async (original) => connectedLibrary(await original()));
skipExceptions({
  'forgets many memories in several transactions, reports its progress, and can be aborted between them':
    'progress and an abort cross on their way, so the serving process may have continued',
  'of watches makes room when the signal of a watch is aborted':
    'the client tells the serving process with its next call that the watch has ended',
});

describe('over a connection', async () => {
  await import('../../write/batches.test');
  await import('../../write/forget.test');
  await import('../../write/idempotency.test');
  await import('../../write/keys.test');
  await import('../../write/quotas.test');
  await import('../../write/share.test');
  await import('../../write/supersedes.test');
  await import('../../write/update.test');
});
