import { expect, test } from 'vitest';
import { assertLinearizable } from './check';
import { clusterHistory } from './cluster-history';
import type { Operation } from './history';

const size = { clients: 5, keys: 2, operationsPerClient: 10 };

test.each(['none', 'partitions', 'crashes'] as const)(
  'a cluster of real stores is linearizable, with faults: %s',
  async (faults) => {
    const recorded: (readonly Operation[])[] = [];
    for (let seed = 1; seed <= 6; seed++) recorded.push(await clusterHistory({ ...size, seed, faults }));
    for (const history of recorded) assertLinearizable(history);
    const kinds = new Set(recorded.flat().map(({ outcome }) => outcome.type));
    for (const kind of ['remembered', 'updated', 'forgotten', 'got']) expect(kinds).toContain(kind);
    if (faults !== 'none') expect(kinds.has('unknown') || kinds.has('withoutEffect')).toBe(true);
  },
);
