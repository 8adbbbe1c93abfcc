import { describe, vi } from 'vitest';
import { connectedLibrary } from '../connected-library';
import { skipExceptions } from './exceptions';

vi.mock('multi-agent-memory', async (original) => connectedLibrary(await original()));
skipExceptions({
  'from a watch throws INVALID_CURSOR in a list, and a cursor from a list throws it in a watch':
    'the serving process checks the cursor of a watch with the first change, not when the watch is made',
  'accepts a cursor only from the same principal and scope':
    'the serving process checks the cursor of a watch with the first change, not when the watch is made',
  'ends when the store closes while it waits': 'a change may be on its way when the connection closes',
  'is checked at delivery, so changes that the reader may no longer read are skipped':
    'the client requests the next change with a message, which a later change of rules may overtake',
});

describe('over a connection', async () => {
  await import('../../recall/consistency.test');
  await import('../../recall/list.test');
  await import('../../recall/short-id.test');
  await import('../../recall/watch.test');
});
