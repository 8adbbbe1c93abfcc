import { describe, expect, test } from 'vitest';
import { configurationOf } from '../../src/raft/core/configuration';
import { noBytes } from '../../src/raft/core/entry';
import type { HeartbeatResponse } from '../../src/raft/core/messages';
import { RaftNode } from '../../src/raft/core/raft-node';
import { MemoryStorage } from '../../src/raft/storage/memory-storage';
import { Cluster, withLeases } from './cluster';

const first = { index: 1, term: 1, configuration: configurationOf([1, 2, 3]), data: noBytes };
const tickMs = 50;

/** Lets time pass for some nodes, or for all. */
function wait(cluster: Cluster, ticks: number, ids: readonly number[] = cluster.members.map(({ id }) => id)): void {
  for (let tick = 0; tick < ticks; tick += 1) {
    cluster.nowMs += tickMs;
    for (const id of ids) cluster.tick(id);
    cluster.settle();
  }
}

const holders = (cluster: Cluster) => cluster.members.filter(({ node }) => node.hasReadLease).map(({ id }) => id);

/** A cluster in which 1 leads and everybody holds a lease. */
function leased(): Cluster {
  const cluster = new Cluster([1, 2, 3], withLeases);
  cluster.elect(1);
  wait(cluster, 6, [1]);
  expect(holders(cluster)).toEqual([1, 2, 3]);
  return cluster;
}

let contexts = 0;
/** Asks for a barrier, and answers whether it is settled. */
function barrier(cluster: Cluster, id: number, index: number): () => boolean {
  contexts += 1;
  const context = contexts;
  cluster.node(id).requestBarrier(context, index);
  cluster.settle();
  return () => cluster.member(id).barriers.get(context) === index;
}

describe('a read lease', () => {
  test('is given to nobody unless the cluster has leases, and a barrier then waits for nobody', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    wait(cluster, 10, [1]);
    expect(holders(cluster)).toEqual([]);
    cluster.isolate(3);
    cluster.propose(2, 'a');
    expect(barrier(cluster, 2, 3)()).toBe(true);
  });

  test('is held by a cluster of one as soon as it leads, and its barriers wait for nobody', () => {
    const cluster = new Cluster([1], withLeases);
    cluster.elect(1);
    wait(cluster, 2);
    expect(holders(cluster)).toEqual([1]);
    cluster.propose(1, 'a');
    expect(barrier(cluster, 1, 3)()).toBe(true);
  });

  test('runs out by the clock also while no tick is counted, as in a process that stood still', () => {
    const cluster = leased();
    cluster.nowMs += 2_000;
    expect(holders(cluster)).toEqual([]);
  });

  test('goes on while the leader is gone, until it runs out', () => {
    const cluster = leased();
    cluster.isolate(1);
    wait(cluster, 12, [2]);
    expect(holders(cluster)).toEqual([1, 2, 3]);
    wait(cluster, 40, [1]);
    expect(holders(cluster)).toEqual([]);
  });

  test('is lost with a restart, and a grant to the earlier start gives the new one nothing', () => {
    const cluster = leased();
    cluster.restart(3);
    expect(holders(cluster)).toEqual([1, 2]);
    const lease = { round: 9, awaited: 0, grant: { start: 1, stamp: cluster.nowMs } };
    const envelope = { from: 1, to: 3, term: cluster.node(1).status().hardState.term } as const;
    cluster.node(3).step({ kind: 'heartbeat', ...envelope, commit: 0, readRound: 0, lease });
    expect(cluster.node(3).hasReadLease).toBe(false);
    cluster.node(3).step({
      kind: 'heartbeat',
      ...envelope,
      commit: 0,
      readRound: 0,
      lease: { ...lease, grant: { start: 2, stamp: cluster.nowMs } },
    });
    expect(cluster.node(3).hasReadLease).toBe(true);
  });

  test('is given by no leader that hears from no majority, not even to a member that hears it', () => {
    const cluster = new Cluster([1, 2, 3, 4, 5], withLeases);
    cluster.elect(1);
    wait(cluster, 6, [1]);
    cluster.isolate(1, 2);
    const cutAt = cluster.nowMs;
    const stamps: number[] = [];
    cluster.observe = (event) => {
      if (event.kind !== 'delivered' || event.message.kind !== 'heartbeat') return;
      stamps.push(event.message.lease?.grant?.stamp ?? -1);
    };
    wait(cluster, 12, [1]);
    expect(stamps).toHaveLength(6);
    expect(Math.max(...stamps)).toBeLessThan(cutAt);
    wait(cluster, 30, [1]);
    expect([cluster.node(1).hasReadLease, cluster.node(2).hasReadLease]).toEqual([false, false]);
  });

  test('is confirmed by no answer to a round of an earlier leader', () => {
    const cluster = new Cluster([1, 2, 3], withLeases);
    const follower = cluster.node(3);
    const lease = { round: 500, awaited: 2 };
    follower.step({ kind: 'heartbeat', from: 1, to: 3, term: 2, commit: 1, readRound: 0, lease });
    const entries = [{ kind: 'normal', data: noBytes, term: 3, index: 2 }] as const;
    const previous = { previousIndex: 1, previousTerm: 1 };
    follower.step({ kind: 'append', from: 2, to: 3, term: 3, ...previous, entries, commit: 2 });
    const sent: HeartbeatResponse[] = [];
    cluster.observe = (event) => {
      if (event.kind === 'ready')
        for (const message of event.ready.messages) if (message.kind === 'heartbeat-response') sent.push(message);
    };
    while (follower.hasReady) cluster.process(3);
    // It says what it has applied as soon as it has, and that it answers no round of this leader.
    expect(sent.map(({ to, term, lease: report }) => [to, term, report?.round, report?.applied])).toEqual([
      [1, 2, 500, 1],
      [2, 3, 0, 2],
    ]);
  });

  test('is refused to a member that lags behind what was committed a second ago', () => {
    const cluster = leased();
    // 3 hears heartbeats, but gets no entries.
    cluster.loses = ({ kind, to }) => kind === 'append' && to === 3;
    cluster.propose(1, 'a');
    wait(cluster, 10, [1]);
    expect(holders(cluster)).toEqual([1, 2, 3]);
    wait(cluster, 60, [1]);
    expect(holders(cluster)).toEqual([1, 2]);
    cluster.heal();
    wait(cluster, 6, [1]);
    expect(holders(cluster)).toEqual([1, 2, 3]);
  });

  test('shows in what the leader knows about its members', () => {
    const cluster = leased();
    cluster.propose(1, 'a');
    wait(cluster, 2, [1]);
    const leases = () =>
      cluster
        .node(1)
        .status()
        .members.map(({ applied, mayHoldLease }) => [applied, mayHoldLease]);
    expect(leases()).toEqual([
      [3, true],
      [3, true],
      [3, true],
    ]);
    cluster.isolate(3);
    wait(cluster, 42, [1]);
    expect(leases()[2]).toEqual([3, false]);
  });
});

describe('a barrier', () => {
  test('is settled at once when everybody has applied its index, for each node that asks', () => {
    const cluster = leased();
    cluster.propose(1, 'a');
    for (const id of [1, 2, 3]) expect(barrier(cluster, id, 3)()).toBe(true);
  });

  test('waits for a member that holds a lease and has not applied its index, and for no other one', () => {
    const cluster = leased();
    cluster.loses = ({ kind, to }) => kind === 'append' && to === 3;
    cluster.propose(1, 'a');
    const isSettled = barrier(cluster, 1, 3);
    while (cluster.node(3).hasReadLease) {
      expect(isSettled()).toBe(false);
      wait(cluster, 1, [1]);
    }
    wait(cluster, 2, [1]);
    expect(isSettled()).toBe(true);
    // Without a lease it holds up nothing.
    cluster.propose(1, 'b');
    expect(barrier(cluster, 1, 4)()).toBe(true);
  });

  test('waits one per cent longer than the lease, because the clock of the member may be slower', () => {
    const cluster = leased();
    cluster.isolate(3);
    cluster.propose(1, 'a');
    const isSettled = barrier(cluster, 1, 3);
    for (; cluster.node(3).hasReadLease; cluster.nowMs += 1);
    cluster.nowMs += 18;
    cluster.tick(1);
    cluster.settle();
    expect(isSettled()).toBe(false);
    cluster.nowMs += 3;
    cluster.tick(1);
    cluster.settle();
    expect(isSettled()).toBe(true);
  });

  test('is settled as soon as a slow member says that it has applied, not with the next heartbeat', () => {
    const cluster = leased();
    cluster.loses = ({ kind, to }) => kind === 'append' && to === 3;
    cluster.propose(1, 'a');
    const isSettled = barrier(cluster, 1, 3);
    expect(isSettled()).toBe(false);
    cluster.heal();
    // The answer to a heartbeat makes the leader send what is missing. No further time passes.
    const answer: HeartbeatResponse = {
      kind: 'heartbeat-response',
      from: 3,
      to: 1,
      term: cluster.node(1).status().hardState.term,
      readRound: 0,
    };
    cluster.node(1).step(answer);
    cluster.settle();
    expect(isSettled()).toBe(true);
  });

  test('beyond what the leader knows to be committed waits', () => {
    const cluster = leased();
    expect(barrier(cluster, 1, 9)()).toBe(false);
    expect(() => cluster.node(1).requestBarrier(1, -1)).toThrow(RangeError);
  });

  test('counts each start of a member for itself: what the earlier one had applied says nothing about the later one', () => {
    const cluster = leased();
    cluster.propose(1, 'a', 'b');
    wait(cluster, 2, [1]);
    expect(cluster.node(1).status().members[2]!.applied).toBe(4);
    // 3 starts again with a state that went back to 2, as that of a database without syncs may, and gets a lease.
    cluster.isolate(3);
    const granted: (number | undefined)[] = [];
    cluster.observe = (event) => {
      if (event.kind === 'lost' && event.message.kind === 'heartbeat') granted.push(event.message.lease?.grant?.start);
    };
    const { term } = cluster.node(1).status().hardState;
    const lease = { round: 1, start: 2, stamp: cluster.nowMs, applied: 2 };
    cluster.node(1).step({ kind: 'heartbeat-response', from: 3, to: 1, term, readRound: 0, lease });
    wait(cluster, 4, [1]);
    expect(granted).toContain(2);
    const isSettled = barrier(cluster, 1, 4);
    expect(isSettled()).toBe(false);
    wait(cluster, 41, [1]);
    expect(isSettled()).toBe(true);
  });

  test('waits at a new leader until the leases of the one before have run out, unless everybody has applied its index', () => {
    const cluster = leased();
    cluster.propose(1, 'a');
    cluster.node(1).transferLeadership(2);
    cluster.settle();
    expect(cluster.node(2).status().role).toBe('leader');
    expect(barrier(cluster, 2, 3)()).toBe(true);
    cluster.isolate(1);
    cluster.propose(2, 'b');
    const isSettled = barrier(cluster, 2, 5);
    for (let ticks = 0; ticks < 40; ticks += 1) {
      expect(isSettled()).toBe(false);
      wait(cluster, 1, [2]);
    }
    expect(cluster.node(1).hasReadLease).toBe(false);
    wait(cluster, 1, [2]);
    expect(isSettled()).toBe(true);
  });

  test('waits at a new leader also if all members have applied its index, when other members may have left', () => {
    const cluster = leased();
    cluster.node(1).proposeConfigurationChange({ transition: 'auto', changes: [{ kind: 'remove', node: 3 }] });
    cluster.settle();
    expect(cluster.node(3).hasReadLease).toBe(true);
    cluster.node(1).transferLeadership(2);
    cluster.settle();
    const isSettled = barrier(cluster, 2, 3);
    expect(isSettled()).toBe(false);
    wait(cluster, 41, [2]);
    expect(isSettled()).toBe(true);
    expect(cluster.node(3).hasReadLease).toBe(false);
  });

  test('waits for the lease of a member that was removed', () => {
    const cluster = leased();
    wait(cluster, 41, [1]);
    cluster.isolate(3);
    cluster.node(1).proposeConfigurationChange({ transition: 'auto', changes: [{ kind: 'remove', node: 3 }] });
    cluster.settle();
    const isSettled = barrier(cluster, 1, 3);
    expect([cluster.node(3).hasReadLease, isSettled()]).toEqual([true, false]);
    wait(cluster, 41, [1]);
    expect([cluster.node(3).hasReadLease, isSettled()]).toEqual([false, true]);
  });
});

test('options of read leases out of range are refused with every problem at once', () => {
  const readLease = { now: () => 0, start: -1, ms: 0, maxLagMs: 0.5 };
  expect(() => new RaftNode({ id: 1, seed: 1, storage: new MemoryStorage(first), readLease })).toThrow(
    'readLease.ms must be a safe integer from 1, not 0; readLease.maxLagMs must be a safe integer from 1, not 0.5; readLease.start must be a safe integer from 0, not -1',
  );
});
