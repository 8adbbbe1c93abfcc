import { describe, test } from 'vitest';
import { replicatedLogConformance } from './log-conformance';
import { peersConformance } from './peers-conformance';
import { RaftCluster } from './raft-cluster';
import { RecordedState } from './recorded-state';

describe.each([
  ['as the only peer', 1, {}],
  ['over a network that loses, doubles and delays messages', 3, { lost: 5, doubled: 10, delayed: 20 }],
])('RaftLog %s conforms to ReplicatedLog: it', (_, peers, faults) => {
  const cases = replicatedLogConformance(async ({ state, maxPending }) => {
    const others = Array.from({ length: peers - 1 }, () => new RecordedState());
    const cluster = new RaftCluster({ targets: [state, ...others], maxPending, seed: 7 });
    cluster.faults = faults;
    return cluster.log(1);
  });
  for (const { name, run } of cases) test(name, run);
});

describe('The logs of three peers conform to a log with peers: it', () => {
  const cases = peersConformance((targets, seed) => new RaftCluster({ targets, maxPending: 1_000, seed }));
  for (const { name, run } of cases) test(name, run);
});
