import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReplicatedLog } from '../../src/log/replicated-log';
import { replicatedLogConformance } from '../log/log-conformance';
import { RecordedState } from '../log/recorded-state';
import { findServer, NatsServers, titleWith } from './nats-server';
import { openStreamLog } from './stream-logs';

const found = await findServer();

describe.skipIf('missing' in found).each([
  ['of a store alone on a stream', 1],
  ['of three stores on one stream', 3],
])(titleWith(found, 'A log in JetStream %s conforms to ReplicatedLog: it'), (_, count) => {
  let servers: NatsServers;
  let streams = 0;
  beforeAll(async () => {
    if ('path' in found) servers = await NatsServers.start(found.path);
  });
  afterAll(() => servers?.close());

  const opened: { readonly states: RecordedState[]; readonly others: ReplicatedLog[] }[] = [];
  const cases = replicatedLogConformance(async ({ state, maxPending }) => {
    const states = [state, ...Array.from({ length: count - 1 }, () => new RecordedState())];
    const stream = `case-${++streams}`;
    const logs: ReplicatedLog[] = [];
    for (const [i, each] of states.entries())
      logs.push(
        await openStreamLog({ servers: servers.addresses, stream, replicas: 1, state: each, maxPending, node: i + 1 }),
      );
    const [first, ...others] = logs as [ReplicatedLog, ...ReplicatedLog[]];
    opened.push({ states, others });
    return first;
  });
  for (const { name, run } of cases)
    test(name, async () => {
      await run();
      for (const { states, others } of opened.splice(0)) {
        const [first, ...rest] = states as [RecordedState, ...RecordedState[]];
        for (const each of rest) await expect.poll(() => each.numbers).toEqual(first.numbers);
        for (const log of others) await log.close();
        for (const each of rest) {
          const index = Math.min(first.logPosition().index, each.logPosition().index);
          expect(each.digests[index]).toBe(first.digests[index]);
        }
      }
    });
});
