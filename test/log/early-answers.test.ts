import { expect, test } from 'vitest';
import { RaftLog } from '../../src/log/raft-log';
import type { RaftLink, RaftUser } from '../../src/raft/node/raft-link';
import { VirtualTime } from './virtual-time';

/** The log of one start of a node, whose link does nothing, and the questions that it asks. */
function logOf(start: number) {
  const reads: number[] = [];
  const users: RaftUser[] = [];
  const link: Partial<RaftLink> = {
    id: 1,
    hasReadLease: true,
    start: async (user) => void users.push(user),
    requestRead: (context) => void reads.push(context),
  };
  const timing = new VirtualTime();
  const log = new RaftLog({
    link: link as RaftLink,
    cluster: 'c'.repeat(32),
    incarnation: { node: 1, start },
    apply: () => ({ type: 'empty' }),
    install: () => Promise.reject(new Error('No snapshot comes.')),
    position: () => 5,
    timing,
    maxPending: 10,
    waitMs: 1_000,
  });
  return { log, reads, users };
}

test('an answer to a question of an earlier start releases no read of a later one', async () => {
  const [before, after] = [logOf(1), logOf(2)];
  for (const { log } of [before, after]) await log.start();
  void before.log.barrier('linearizable');
  let isOver = false;
  const read = after.log.barrier('linearizable').then(() => (isOver = true));
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect([before.reads.length, after.reads.length]).toEqual([1, 1]);
  const [user] = after.users;
  user?.onReadState(before.reads[0] ?? 0, 5);
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  user?.onReadState(after.reads[0] ?? 0, 5);
  await read;
});
