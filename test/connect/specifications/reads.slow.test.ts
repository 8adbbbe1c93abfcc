import { describe, vi } from 'vitest';
import { throughConnect } from '../through-connect';
import { leaveOutExceptions } from './exceptions';

vi.mock('multi-agent-memory', async (original) => throughConnect(await original()));
leaveOutExceptions();

describe('through connect', async () => {
  await import('../../recall/list.test');
  await import('../../recall/watch.test');
});
