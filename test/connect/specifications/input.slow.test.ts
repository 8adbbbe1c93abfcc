import { describe, vi } from 'vitest';
import { throughConnect } from '../through-connect';
import { leaveOutExceptions } from './exceptions';

vi.mock('multi-agent-memory', async (original) => throughConnect(await original()));
leaveOutExceptions();

describe('through connect', async () => {
  await import('../../store/bad-input.test');
  await import('../../store/attacks.test');
  await import('../../store/operations.test');
});
