import { describe, vi } from 'vitest';
import { connectedLibrary } from '../connected-library';

vi.mock('multi-agent-memory', async (original) => connectedLibrary(await original()));

describe('over a connection', async () => {
  await import('../../store/bad-input.test');
  await import('../../store/attacks.test');
  await import('../../store/plain-objects.test');
  await import('../../store/operations.test');
  await import('../../store/names.test');
});
