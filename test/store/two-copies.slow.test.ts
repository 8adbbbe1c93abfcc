import { describe, vi } from 'vitest';
import { libraryInTwoCopies } from './copies';

vi.mock('multi-agent-memory', async (original) => libraryInTwoCopies(await original()));

describe('a store made with one copy of the library, whose folder another copy has opened', async () => {
  await import('../write/batches.test');
  await import('../write/forget.test');
  await import('../write/idempotency.test');
  await import('../write/keys.test');
  await import('../write/share.test');
  await import('../write/supersedes.test');
  await import('../write/update.test');
  await import('../recall/list.test');
  await import('../recall/watch.test');
  await import('./access-handle.test');
  await import('../audit/reads.test');
  await import('../audit/queries.test');
});
