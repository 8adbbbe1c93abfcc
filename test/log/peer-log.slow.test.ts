import { describe, test } from 'vitest';
import { PeerCluster } from './peer-cluster';
import { peersConformance } from './peers-conformance';
import { numbers } from './recorded-state';

describe('The logs of three peers conform to a log with peers under 10 seeds: it', () => {
  const create = (...[targets, seed]: Parameters<Parameters<typeof peersConformance>[0]>) =>
    new PeerCluster({ targets, maxPending: 1_000, seed });
  for (const { name, run } of peersConformance(create, numbers(10, 2))) test(name, run);
});
