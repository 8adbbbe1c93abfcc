import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../../src/domain/errors';
import { InvariantViolation } from '../../../src/raft/core/invariants';
import type { MemoryStorage } from '../../../src/raft/storage/memory-storage';
import type { RaftStorage, StorageWork } from '../../../src/raft/storage/raft-storage';
import { addressOf, RaftCluster, type RaftClusterOptions } from '../../log/raft-cluster';
import { command, numbers } from '../../log/recorded-state';
import { foundingMembers, NumberedState } from './numbered-state';

/** A storage whose disk can fail, stall or be full. */
class FaultyStorage implements RaftStorage {
  readonly inner: MemoryStorage;
  error: Error | undefined;
  isStalled = false;
  isFull = false;
  readonly #waiting: (() => void)[] = [];

  constructor(inner: MemoryStorage) {
    this.inner = inner;
  }

  get bytes() {
    return this.inner.bytes;
  }

  setMembership: RaftStorage['setMembership'] = (membership) => this.inner.setMembership(membership);
  saveSnapshot: RaftStorage['saveSnapshot'] = (snapshot) => this.inner.saveSnapshot(snapshot);
  purge: RaftStorage['purge'] = (index) => this.inner.purge(index);
  initialState: RaftStorage['initialState'] = () => this.inner.initialState();
  firstIndex: RaftStorage['firstIndex'] = () => this.inner.firstIndex();
  lastIndex: RaftStorage['lastIndex'] = () => this.inner.lastIndex();
  term: RaftStorage['term'] = (index) => this.inner.term(index);
  entries: RaftStorage['entries'] = (low, high, maxBytes) => this.inner.entries(low, high, maxBytes);
  snapshot: RaftStorage['snapshot'] = () => this.inner.snapshot();
  close: RaftStorage['close'] = () => this.inner.close();

  /** Stores nothing from now on, or everything that has waited. */
  stall(isStalled: boolean): void {
    this.isStalled = isStalled;
    if (!isStalled) for (const store of this.#waiting.splice(0)) store();
  }

  store(work: StorageWork): Promise<void> | undefined {
    if (this.error !== undefined) return Promise.reject(this.error);
    if (this.isStalled) return this.#stalled(work);
    if (!this.isFull || (work.entries.length === 0 && work.snapshot === undefined)) return this.inner.store(work);
    const { hardState } = work;
    if (hardState !== undefined) {
      const { commit } = this.inner.initialState().hardState;
      this.inner.store({ hardState: { ...hardState, commit }, entries: [] });
    }
    return Promise.reject(new MemoryError('DISK_FULL', 'The disk is full.'));
  }

  #stalled(work: StorageWork): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        this.inner.store(work);
        resolve();
      });
    });
  }
}

interface Setting {
  readonly cluster: RaftCluster;
  readonly states: readonly NumberedState[];
  readonly disks: Map<number, FaultyStorage>;
}

async function settledCluster(count: number, options: Partial<RaftClusterOptions> = {}): Promise<Setting> {
  const founding = foundingMembers(numbers(options.voters ?? count, 1));
  const states = numbers(count).map(
    (_, at) => new NumberedState(at < (options.voters ?? count) ? founding : undefined),
  );
  const disks = new Map<number, FaultyStorage>();
  const storageOf = (id: number, storage: MemoryStorage) => {
    const disk = new FaultyStorage(storage);
    disks.set(id, disk);
    return disk;
  };
  const cluster = new RaftCluster({
    targets: states,
    maxPending: 1_000,
    seed: 1,
    first: (states[0] as NumberedState).snapshot(),
    storageOf,
    ...options,
  });
  await cluster.settle();
  return { cluster, states, disks };
}

/** Proposes numbered commands at a node. Returns the codes of the errors. */
async function propose(cluster: RaftCluster, id: number, count: number, first = 0): Promise<string[]> {
  const log = cluster.log(id);
  const settled = await Promise.allSettled(numbers(count, first).map((n) => log.propose(command(n))));
  return settled.flatMap((each) => (each.status === 'rejected' ? [codeOf(each.reason)] : []));
}

function codeOf(error: unknown): string {
  return MemoryError.is(error) ? error.code : String(error);
}

function followersOf(cluster: RaftCluster): [number, number] {
  return cluster.ids.filter((id) => id !== cluster.leader) as [number, number];
}

describe('Members of a cluster', () => {
  test('are added, promoted, demoted and removed through any node, and every node knows them', async () => {
    const { cluster, states } = await settledCluster(4, { voters: 3 });
    expect(await propose(cluster, 1, 5)).toEqual([]);
    const [follower] = cluster.ids.filter((id) => id !== cluster.leader) as [number];
    const host = cluster.host(follower);
    const added = await cluster.run(host.changeMembers({ kind: 'add', node: 4, address: addressOf(4) }));
    expect(added.configuration.learners).toEqual([4]);
    expect(added.addresses[4]).toBe(addressOf(4));
    await cluster.settle();
    expect(states[3]?.numbers).toEqual(numbers(5));
    expect(cluster.host(4).status().membership).toEqual(added);
    const promoted = await cluster.run(host.changeMembers({ kind: 'promote', node: 4 }));
    expect(promoted.configuration.voters).toEqual([1, 2, 3, 4]);
    const demoted = await cluster.run(host.changeMembers({ kind: 'demote', node: 4 }));
    expect(demoted.configuration).toMatchObject({ voters: [1, 2, 3], learners: [4] });
    const removed = await cluster.run(host.changeMembers({ kind: 'remove', node: 4 }));
    expect(Object.keys(removed.addresses)).toEqual(['1', '2', '3']);
    await cluster.settle();
    for (const id of [1, 2, 3]) expect(cluster.host(id).status().membership).toEqual(removed);
  });

  test('stay as they are after a change that is made already', async () => {
    const { cluster } = await settledCluster(3);
    const before = cluster.host(1).status();
    const after = await cluster.run(cluster.host(1).changeMembers({ kind: 'promote', node: 2 }));
    expect(after).toEqual(before.membership);
    expect(cluster.host(1).status().lastIndex).toBe(before.lastIndex);
  });

  test('refuse what makes no sense', async () => {
    const { cluster } = await settledCluster(3);
    const change = (...[wanted]: Parameters<ReturnType<typeof cluster.host>['changeMembers']>) =>
      cluster.run(cluster.host(2).changeMembers(wanted)).catch(codeOf);
    expect(await change({ kind: 'promote', node: 9 })).toBe('INVALID_INPUT');
    expect(await change({ kind: 'add', node: 9, address: addressOf(1) })).toBe('INVALID_INPUT');
  });

  test('change only with a majority', async () => {
    const { cluster } = await settledCluster(3);
    const { leader } = cluster;
    cluster.cutOff(leader);
    await cluster.settle();
    const add = { kind: 'add', node: 9, address: 'peer-9' } as const;
    expect(await cluster.run(cluster.host(leader).changeMembers(add)).catch(codeOf)).toBe('NO_QUORUM');
  });

  test('change their leader before it is removed, and the removed node ends with NODE_REMOVED', async () => {
    const { cluster } = await settledCluster(3);
    const { leader } = cluster;
    const left = await cluster.run(cluster.host(leader).changeMembers({ kind: 'remove', node: leader }));
    expect(left.configuration.voters).toEqual(cluster.ids.filter((id) => id !== leader));
    await cluster.time.pass(10_000);
    expect(cluster.host(leader).status().role).toBe('halted');
    expect(await propose(cluster, leader, 1)).toEqual(['NODE_REMOVED']);
    const other = cluster.ids.find((id) => id !== leader) as number;
    expect(await propose(cluster, other, 3)).toEqual([]);
  });

  test('learn of their removal although they were cut off meanwhile', async () => {
    const { cluster } = await settledCluster(3);
    const [removed, other] = followersOf(cluster);
    cluster.cutOff(removed);
    await cluster.run(cluster.host(other).changeMembers({ kind: 'remove', node: removed }));
    await cluster.settle();
    cluster.cutOff();
    await cluster.time.pass(10_000);
    expect(await propose(cluster, removed, 1)).toEqual(['NODE_REMOVED']);
  });
});

describe('The leadership', () => {
  test('goes to the wanted member, also when another node asks', async () => {
    const { cluster } = await settledCluster(3);
    const [next, asker] = followersOf(cluster);
    await cluster.run(cluster.host(asker).transfer(next));
    await cluster.time.pass(500);
    expect(cluster.leader).toBe(next);
  });

  test('is handed over by a leader that closes, so that there is no gap of an election', async () => {
    const { cluster } = await settledCluster(3);
    const { leader } = cluster;
    const [other] = followersOf(cluster);
    const { term } = cluster.host(other).status();
    await cluster.log(leader).close();
    const closedAt = cluster.time.elapsedMs();
    expect(await propose(cluster, other, 1)).toEqual([]);
    expect(cluster.time.elapsedMs() - closedAt).toBeLessThan(300);
    expect(cluster.host(other).status().term).toBe(term + 1);
  });

  test('of a leader that halts while it hands it over does not keep its store from closing', async () => {
    const { cluster } = await settledCluster(3);
    const { leader } = cluster;
    // Nobody can take over.
    cluster.cutOff(leader);
    const closed = cluster.log(leader).close();
    await cluster.time.pass(100);
    cluster.host(leader).halt(new MemoryError('FILE_FAILED', 'The disk does not answer.'));
    await closed;
  });

  test('ends when the own disk stalls, and the others go on', async () => {
    const { cluster, disks, states } = await settledCluster(3);
    const { leader } = cluster;
    const [other] = followersOf(cluster);
    (disks.get(leader) as FaultyStorage).isStalled = true;
    expect(await propose(cluster, other, 10)).toEqual([]);
    await cluster.time.pass(5_000);
    expect(cluster.host(other).status().leader).not.toBe(leader);
    expect(states[other - 1]?.numbers).toEqual(numbers(10));
  });

  test('goes to another node when the disk of the leader is full, and the node follows again when there is room', async () => {
    const { cluster, disks, states } = await settledCluster(3);
    const { leader } = cluster;
    const [other] = followersOf(cluster);
    const disk = disks.get(leader) as FaultyStorage;
    disk.isFull = true;
    expect(await propose(cluster, other, 10)).toEqual([]);
    expect(cluster.host(other).status().leader).not.toBe(leader);
    disk.isFull = false;
    await cluster.settle();
    expect(states[leader - 1]?.numbers).toEqual(numbers(10));
    expect(cluster.host(leader).status().role).toBe('follower');
  });
});

describe('A node', () => {
  test('whose disk is full votes, says of no entry that it has it, and follows again when there is room', async () => {
    const { cluster, disks, states } = await settledCluster(3);
    const { leader } = cluster;
    const [full, other] = followersOf(cluster);
    const disk = disks.get(full) as FaultyStorage;
    disk.isFull = true;
    expect(await propose(cluster, other, 10)).toEqual([]);
    const { term } = cluster.host(other).status();
    // With the vote of the full node there is another leader, but nothing can be committed any more.
    cluster.cutOff(leader);
    await cluster.time.pass(4_000);
    expect(cluster.host(full).status().term).toBeGreaterThan(term);
    expect(disk.inner.initialState().hardState.term).toBe(cluster.host(full).status().term);
    expect(await propose(cluster, other, 1, 10)).toEqual(['OUTCOME_UNKNOWN']);
    disk.isFull = false;
    await cluster.settle();
    expect(states[full - 1]?.numbers).toEqual(numbers(11));
    cluster.cutOff();
    await cluster.settle();
    for (const state of states) expect(state.numbers).toEqual(numbers(11));
  });

  test.each([
    ['is full', (disk: FaultyStorage, isOut: boolean) => (disk.isFull = isOut)],
    ['stands still', (disk: FaultyStorage, isOut: boolean) => disk.stall(isOut)],
  ])('whose disk %s for a long time keeps no answer for each message that it gets', async (_, take) => {
    const { cluster, disks, states } = await settledCluster(3);
    const [lagging, other] = followersOf(cluster);
    const disk = disks.get(lagging) as FaultyStorage;
    take(disk, true);
    expect(await propose(cluster, other, 10)).toEqual([]);
    await cluster.time.pass(60_000);
    let answers = 0;
    cluster.onMessage = ({ kind, from }) => {
      if (kind === 'append-response' && from === lagging) answers++;
    };
    take(disk, false);
    await cluster.settle();
    expect(states[lagging - 1]?.numbers).toEqual(numbers(10));
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThan(50);
  });

  test.each([
    ['its storage fails', new Error('The disk does not answer.'), 'FILE_FAILED'],
    ['its log has lost entries', new InvariantViolation('LOG_LOST', 'The log ends too early.'), 'LOG_REGRESSED'],
  ])('halts for good when %s', async (_, error, code) => {
    const { cluster, disks, states } = await settledCluster(3);
    const [failing, other] = followersOf(cluster);
    (disks.get(failing) as FaultyStorage).error = error;
    expect(await propose(cluster, other, 3)).toEqual([]);
    await cluster.time.pass(500);
    expect(cluster.host(failing).status()).toMatchObject({ role: 'halted', haltReason: error.message });
    expect(await propose(cluster, failing, 1)).toEqual([code]);
    expect(states[failing - 1]?.numbers).toEqual([]);
  });

  test('halts at an entry of another cluster', async () => {
    const { cluster, states } = await settledCluster(3);
    const { leader } = cluster;
    const before = states[leader - 1]?.logPosition().index;
    cluster.host(leader).propose(cluster.foreignFrame([command(1)]));
    await cluster.time.pass(1_000);
    expect(cluster.host(leader).status().role).toBe('halted');
    expect(await propose(cluster, leader, 1)).toEqual(['CLUSTER_MISMATCH']);
    expect(states[leader - 1]?.logPosition().index).toBe(before);
  });

  test('does not start on a log that ends before its state', async () => {
    const { cluster, states } = await settledCluster(1);
    expect(await propose(cluster, 1, 3)).toEqual([]);
    cluster.stop(1);
    const other = new RaftCluster({ targets: states, maxPending: 10, seed: 1 });
    await expect(other.started(1)).rejects.toMatchObject({ code: 'LOG_REGRESSED' });
  });

  test('that is closed while it starts leaves nothing behind, so it can be started again', async () => {
    const { cluster } = await settledCluster(3);
    const [restarted] = followersOf(cluster);
    cluster.restart(restarted);
    const started = cluster.started(restarted);
    cluster.restart(restarted);
    await expect(started).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    await cluster.started(restarted);
    expect(await propose(cluster, restarted, 3)).toEqual([]);
  });

  test('does not start an election because its process stood still', async () => {
    const { cluster } = await settledCluster(3);
    const [paused] = followersOf(cluster);
    const { term } = cluster.host(paused).status();
    cluster.time.jump(60_000);
    await cluster.time.pass(1_000);
    expect(cluster.host(paused).status().term).toBe(term);
  });
});

describe('A snapshot', () => {
  test('brings a node that lacks purged entries up to date, and the log goes on behind it', async () => {
    const { cluster, states } = await settledCluster(4, { voters: 3 });
    const { leader } = cluster;
    expect(await propose(cluster, leader, 20)).toEqual([]);
    await snapshotAt(cluster, states, leader);
    await cluster.run(cluster.host(leader).changeMembers({ kind: 'add', node: 4, address: addressOf(4) }));
    expect(await propose(cluster, leader, 5, 20)).toEqual([]);
    await cluster.settle();
    expect(states[3]?.installed).toBe(1);
    expect(states[3]?.numbers).toEqual(numbers(25));
    expect(cluster.host(4).status().membership).toEqual(cluster.host(leader).status().membership);
    expect(await propose(cluster, 4, 5, 25)).toEqual([]);
  });

  test('that was stored before a crash and not installed is installed at the next start', async () => {
    const { cluster, states } = await settledCluster(3);
    const [behind, other] = followersOf(cluster);
    cluster.stop(behind);
    expect(await propose(cluster, other, 20)).toEqual([]);
    await cluster.settle();
    cluster.storage(behind).install((states[other - 1] as NumberedState).snapshot());
    cluster.restart(behind);
    await cluster.settle();
    expect(states[behind - 1]?.installed).toBe(1);
    expect(states[behind - 1]?.numbers).toEqual(numbers(20));
  });

  test('that cannot be installed halts the node', async () => {
    const { cluster, states } = await settledCluster(4, { voters: 3 });
    const { leader } = cluster;
    expect(await propose(cluster, leader, 20)).toEqual([]);
    await snapshotAt(cluster, states, leader);
    const target = states[3] as NumberedState;
    target.install = () => {
      throw new MemoryError('RECORD_DAMAGED', 'The snapshot is damaged.');
    };
    await cluster.run(cluster.host(leader).changeMembers({ kind: 'add', node: 4, address: addressOf(4) }));
    await cluster.settle();
    expect(cluster.host(4).status()).toMatchObject({ role: 'halted', haltReason: 'The snapshot is damaged.' });
    expect(target.logPosition().index).toBe(0);
  });
});

/** Keeps a snapshot of the state of a node, and drops the log that it holds. */
async function snapshotAt(cluster: RaftCluster, states: readonly NumberedState[], id: number): Promise<void> {
  const host = cluster.host(id);
  const state = states[id - 1] as NumberedState;
  await host.saveSnapshot(state.snapshot());
  await host.purge(state.logPosition().index);
  expect(host.status().firstIndex).toBe(state.logPosition().index + 1);
}
