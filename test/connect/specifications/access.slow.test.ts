import { describe, vi } from 'vitest';
import { throughConnect } from '../through-connect';
import { leaveOutExceptions } from './exceptions';

vi.mock('multi-agent-memory', async (original) => throughConnect(await original()));
leaveOutExceptions();

describe('through connect', async () => {
  await import('../../store/access-handle.test');
  await import('../../access/rules.test');
  await import('../../audit/reads.test');
  await import('../../audit/who-saw-what.test');
});
