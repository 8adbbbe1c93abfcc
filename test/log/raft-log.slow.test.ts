import { describe, test } from 'vitest';
import { peersConformance } from './peers-conformance';
import { RaftCluster } from './raft-cluster';
import { numbers } from './recorded-state';

describe('The logs of three peers conform to a log with peers under 4 seeds: it', () => {
  const create = (...[targets, seed]: Parameters<Parameters<typeof peersConformance>[0]>) =>
    new RaftCluster({ targets, maxPending: 1_000, seed });
  for (const { name, run } of peersConformance(create, numbers(4, 2))) test(name, run);
});
