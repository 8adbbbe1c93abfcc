import { expect, test } from 'vitest';
import { compareStates, divergedMembers, RecentDigests } from '../../src/replica/state-comparison';
import { codeOf } from '../testing/tested-cluster';

const at = (index: number) => ({ index, term: 1, digest: `digest ${index}` });

test('a node remembers the digests of its latest positions, and of none before a snapshot', () => {
  const digests = new RecentDigests(at(1));
  for (let index = 2; index <= 5_000; index++) digests.applied(at(index));
  expect(digests.at()).toEqual({ applied: 5_000, digest: 'digest 5000' });
  expect(digests.at(905).digest).toBe('digest 905');
  expect(digests.at(904).digest).toBeUndefined();
  digests.applied(at(9_000));
  digests.applied(at(9_001));
  expect(digests.at(5_000).digest).toBeUndefined();
  expect(digests.at(9_000)).toEqual({ applied: 9_001, digest: 'digest 9000' });
});

test('members are compared at one position, or not at all if none has said where it is', async () => {
  const nodes = [10, 12, 11].map((last) => {
    const digests = new RecentDigests(at(9));
    for (let index = 10; index <= last; index++) digests.applied(at(index));
    return digests;
  });
  const ask = async (member: number, index: number | undefined) => (nodes[member] as RecentDigests).at(index);
  const compared = await compareStates([0, 1, 2], ask);
  expect(compared.index).toBe(10);
  expect(divergedMembers(compared)).toEqual([]);
  let answers = 0;
  // Nobody answers at first, and all do a moment later: a message makes "the latest" of an index that is no number.
  const late = async (member: number) => {
    if (++answers <= 3) throw new Error('unreachable');
    return (nodes[member] as RecentDigests).at();
  };
  expect(await codeOf(compareStates([0, 1, 2], late))).toBe('NO_QUORUM');
});
