import { describe, expect, onTestFinished, test } from 'vitest';
import { Random } from '../faults/random';
import { ended, temporaryFolder } from '../store/stores';
import { assertLinearizable, check } from './check';
import type { Operation } from './history';
import { plantStaleRead } from './planted-faults';
import { openForHistories, storeHistory } from './store-history';

async function histories(count: number, clients: number, folder?: string): Promise<readonly (readonly Operation[])[]> {
  const store = await openForHistories(folder, 1);
  onTestFinished(() => ended(store));
  const recorded: (readonly Operation[])[] = [];
  for (let seed = 1; seed <= count; seed++) {
    recorded.push(await storeHistory(store, { seed, clients, keys: 2, operationsPerClient: 10 }));
  }
  return recorded;
}

/** How many operations began while another one with the same key was running. */
function overlaps(history: readonly Operation[]): number {
  return history.filter(({ key, invokedAt }) =>
    history.some((other) => other.key === key && other.invokedAt < invokedAt && invokedAt < other.respondedAt!),
  ).length;
}

describe('a single store', () => {
  test('does what the model says, call by call', async () => {
    const recorded = await histories(20, 1);
    for (const history of recorded) assertLinearizable(history);
    const outcomes = recorded.flat().map(({ outcome }) => (outcome.type === 'refused' ? outcome.code : outcome.type));
    const kinds = ['remembered', 'updated', 'forgotten', 'got', 'NOT_FOUND', 'REVISION_CONFLICT'];
    expect([...new Set(outcomes)].sort()).toEqual(kinds.sort());
  });

  test.each(['memory', 'a folder'])('in %s is linearizable with several callers', async (place) => {
    const recorded = await histories(12, 5, place === 'memory' ? undefined : await temporaryFolder());
    for (const history of recorded) assertLinearizable(history);
    expect(overlaps(recorded.flat())).toBeGreaterThan(100);
  });

  test('would not pass with a stale read', async () => {
    const planted = (await histories(8, 5)).map((history, seed) => plantStaleRead(history, new Random(seed, 21)));
    const stale = planted.filter((history) => history !== undefined);
    expect(stale.length).toBeGreaterThan(4);
    expect(stale.filter((history) => check(history).linearizable)).toEqual([]);
  });
});
