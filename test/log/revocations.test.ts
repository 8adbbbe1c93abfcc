import { expect, test } from 'vitest';
import { RaftLog, type RaftLogDeps } from '../../src/log/raft-log';
import type { RaftUser } from '../../src/raft/node/raft-link';
import { revoke } from './revocations';

// 10,000 of them are among the slow tests.
test('no peer serves a read from before a revocation that was acknowledged: 60 revocations with faults', async () => {
  const { acknowledged, reads, stale } = await revoke(60, 1);
  expect(stale).toBe(0);
  expect(acknowledged).toBeGreaterThan(30);
  expect(reads).toBeGreaterThan(acknowledged);
});

test('a revocation that is acknowledged without its barrier is noticed', async () => {
  const createLog: NonNullable<Parameters<typeof revoke>[2]>['createLog'] = (deps) =>
    new RaftLog({ ...deps, link: withoutBarriers(deps.link) });
  const { stale } = await revoke(60, 1, { createLog });
  expect(stale).toBeGreaterThan(0);
});

/** A link that answers each barrier at once. */
function withoutBarriers(link: RaftLogDeps['link']): RaftLogDeps['link'] {
  let user: RaftUser | undefined;
  return new Proxy(link, {
    get(target, name) {
      if (name === 'requestBarrier') return (context: number) => queueMicrotask(() => user?.onBarrier(context));
      if (name === 'start')
        return (given: RaftUser) => {
          user = given;
          return target.start(given);
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
