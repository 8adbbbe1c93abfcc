import { describe, vi } from 'vitest';
import { connectedLibrary } from '../connected-library';

vi.mock('multi-agent-memory', async (original) => connectedLibrary(await original()));

describe('over a connection', async () => {
  await import('../../store/access-handle.test');
  await import('../../store/subject-export.test');
  await import('../../access/rules.test');
  await import('../../audit/reads.test');
  await import('../../audit/queries.test');
});
