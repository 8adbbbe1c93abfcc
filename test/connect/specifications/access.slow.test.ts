import { describe, vi } from 'vitest';
import { connectedLibrary } from '../connected-library';
import { skipExceptions } from './exceptions';

vi.mock('multi-agent-memory', async (original) => connectedLibrary(await original()));
skipExceptions({
  'is shown to hosts and ended by contain, of the memory or of its endorser':
    'the stores of these tests do not pass on the calls of `trust`',
});

describe('over a connection', async () => {
  await import('../../store/access-handle.test');
  await import('../../store/subject-export.test');
  await import('../../trust/endorse.test');
  await import('../../access/rules.test');
  await import('../../audit/reads.test');
  await import('../../audit/queries.test');
});
