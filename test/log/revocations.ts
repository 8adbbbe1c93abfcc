import { MemoryError } from '../../src/domain/errors';
import { Random } from '../faults/random';
import { foundingMembers, NumberedState } from '../raft/node/numbered-state';
import { RaftCluster, type RaftClusterOptions } from './raft-cluster';
import { command, numbers } from './recorded-state';

/** What revocations in a cluster with faults came to. */
export interface Revocations {
  readonly acknowledged: number;
  /** Checks of a peer that could serve a read by its lease, after an acknowledgement. */
  readonly reads: number;
  /** The checks in which the peer had not applied what was revoked. */
  readonly stale: number;
}

/** Some callers take rules away, one after the other, while peers lag behind, are cut off, start again and hand over the leadership. */
export async function revoke(
  count: number,
  seed: number,
  options: Pick<RaftClusterOptions, 'createLog'> = {},
): Promise<Revocations> {
  const random = new Random(seed, 31);
  const founding = foundingMembers([1, 2, 3]);
  const states = numbers(3).map(() => new NumberedState(founding));
  const first = (states[0] as NumberedState).snapshot();
  const cluster = new RaftCluster({ targets: states, maxPending: 1_000, seed, first, ...options });
  await cluster.settle();
  let [acknowledged, reads, stale] = [0, 0, 0];
  let known: number[] = [];
  const readEverywhere = () => {
    for (const [at, state] of states.entries()) {
      if (!cluster.host(at + 1).hasReadLease) continue;
      reads += 1;
      if (!known.every((number) => state.numbers.includes(number))) stale += 1;
    }
  };
  for (let number = 1; number <= count; number += 1) {
    await disturb(cluster, random);
    const { stamp } = command(number);
    const rule = cluster.log(random.pick(cluster.ids)).propose({ stamp, type: 'end-declaration', id: 'rule' });
    if (!(await isDone(rule))) continue;
    acknowledged += 1;
    known = [...known.slice(-5), number];
    readEverywhere();
    await cluster.time.pass(random.whole(0, 300));
    readEverywhere();
  }
  for (const id of cluster.ids) cluster.stop(id);
  return { acknowledged, reads, stale };
}

async function disturb(cluster: RaftCluster, random: Random): Promise<void> {
  const id = random.pick(cluster.ids);
  const dice = random.whole(0, 9);
  if (dice < 3) cluster.cutOff(id);
  else if (dice < 6) cluster.cutOff();
  else if (dice === 6) cluster.faults = random.pick([{}, { delayed: 20 }, { lost: 5, doubled: 5 }]);
  else if (dice === 7) cluster.restart(id);
  else if (dice === 8)
    cluster
      .host(id)
      .transfer()
      .catch(() => undefined);
  await cluster.time.pass(random.whole(0, 200));
}

// A caller that learns nothing was promised nothing.
async function isDone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (MemoryError.is(error)) return false;
    throw error;
  }
}
