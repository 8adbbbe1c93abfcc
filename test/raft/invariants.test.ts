import { describe, expect, test } from 'vitest';
import { configurationOf } from '../../src/raft/core/configuration';
import { Consensus } from '../../src/raft/core/consensus';
import { type Entry, noBytes } from '../../src/raft/core/entry';
import { InvariantViolation } from '../../src/raft/core/invariants';
import type { Message, Snapshot } from '../../src/raft/core/messages';
import { settingsOf } from '../../src/raft/core/options';
import { RaftNode } from '../../src/raft/core/raft-node';
import { ReadyQueue } from '../../src/raft/core/ready-queue';
import { MemoryStorage } from '../../src/raft/storage/memory-storage';
import { Cluster } from './cluster';

const configuration = configurationOf([1, 2, 3]);
const first: Snapshot = { index: 1, term: 1, configuration, data: noBytes };
const normal = (term: number, index: number, text = ''): Entry => ({
  kind: 'normal',
  term,
  index,
  data: new TextEncoder().encode(text),
});
const adding = (term: number, index: number, node: number): Entry => ({
  kind: 'configuration',
  term,
  index,
  change: { transition: 'auto', changes: [{ kind: 'add-voter', node }] },
});

function append(from: number, term: number, entries: readonly Entry[], commit = 1, previous = first): Message {
  const { index: previousIndex, term: previousTerm } = previous;
  return { kind: 'append', from, to: 2, term, previousIndex, previousTerm, entries, commit };
}

function violation(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof InvariantViolation) return error.code;
    throw error;
  }
  return 'none';
}

function nodeWith(
  entries: readonly Entry[] = [],
  options: { commit?: number; term?: number; applied?: number } = {},
): RaftNode {
  const storage = new MemoryStorage(first);
  storage.append(entries);
  storage.setHardState({ term: options.term ?? 1, vote: 0, commit: options.commit ?? 1 });
  return new RaftNode({
    id: 2,
    storage,
    seed: 1,
    ...(options.applied === undefined ? {} : { applied: options.applied }),
  });
}

describe('a node stops with', () => {
  test('ONE_LEADER_A_TERM when two nodes lead in one term', () => {
    const node = nodeWith();
    node.step(append(1, 2, []));
    expect(violation(() => node.step(append(3, 2, [])))).toBe('ONE_LEADER_A_TERM');
  });

  test('ONE_LEADER_A_TERM also after it has forgotten the first leader', () => {
    const node = nodeWith();
    node.step(append(1, 2, []));
    node.forgetLeader();
    expect(violation(() => node.step(append(1, 2, [])))).toBe('none');
    node.forgetLeader();
    expect(violation(() => node.step(append(3, 2, [])))).toBe('ONE_LEADER_A_TERM');
  });

  test('ONE_LEADER_A_TERM when it leads and another node sends as leader of its term', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(2);
    const { term } = cluster.node(2).status().hardState;
    expect(violation(() => cluster.node(2).step(append(1, term, [])))).toBe('ONE_LEADER_A_TERM');
  });

  test('COMMITTED_IMMUTABLE when a leader has another entry where one is committed', () => {
    const entries = [normal(1, 2), normal(1, 3), normal(1, 4)];
    expect(violation(() => nodeWith(entries, { commit: 3 }).step(append(1, 2, entries)))).toBe('none');
    const other = [normal(1, 2), normal(2, 3)];
    expect(violation(() => nodeWith(entries, { commit: 3 }).step(append(1, 2, other)))).toBe('COMMITTED_IMMUTABLE');
    expect(violation(() => nodeWith(entries, { commit: 2 }).step(append(1, 2, other)))).toBe('none');
    const previous = { ...first, index: 3, term: 2 };
    expect(violation(() => nodeWith(entries, { commit: 3 }).step(append(1, 2, [], 1, previous)))).toBe(
      'COMMITTED_IMMUTABLE',
    );
  });

  test('LOGS_MATCH when an entry comes again with other content', () => {
    const node = nodeWith();
    node.step(append(1, 2, [normal(2, 2, 'a'), normal(2, 3, 'b')]));
    expect(violation(() => node.step(append(1, 2, [normal(2, 2, 'a'), normal(2, 3, 'b')])))).toBe('none');
    expect(violation(() => node.step(append(1, 2, [normal(2, 2, 'a'), normal(2, 3, 'c')])))).toBe('LOGS_MATCH');
  });

  test('LOGS_MATCH when a follower claims entries that its leader does not have', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    const { hardState, lastIndex } = cluster.node(1).status();
    const claim = (index: number): Message => {
      return {
        kind: 'append-response',
        from: 2,
        to: 1,
        term: hardState.term,
        index,
        isRejected: false,
        hintIndex: 0,
        hintTerm: 0,
      };
    };
    expect(violation(() => cluster.node(1).step(claim(lastIndex)))).toBe('none');
    expect(violation(() => cluster.node(1).step(claim(lastIndex + 1)))).toBe('LOGS_MATCH');
  });

  test('LOG_LOST when its leader knows that it stored more than its log holds', () => {
    const node = nodeWith();
    const heartbeat: Message = { kind: 'heartbeat', from: 1, to: 2, term: 2, commit: 5, readRound: 0 };
    expect(violation(() => node.step(heartbeat))).toBe('LOG_LOST');
  });

  test('LOG_LOST when it starts with a commit index beyond its log', () => {
    expect(violation(() => nodeWith([], { commit: 9 }))).toBe('LOG_LOST');
  });

  test('HARD_STATE_MONOTONIC when its term would go back', () => {
    const storage = new MemoryStorage(first);
    storage.setHardState({ term: 5, vote: 0, commit: 1 });
    const node = new Consensus(settingsOf({ id: 2, storage, seed: 1 }));
    expect(violation(() => node.becomeFollower(4, 0))).toBe('HARD_STATE_MONOTONIC');
  });

  test('HARD_STATE_MONOTONIC when it would give a second vote in one term', () => {
    const storage = new MemoryStorage(first);
    storage.setHardState({ term: 5, vote: 1, commit: 1 });
    const node = new Consensus(settingsOf({ id: 2, storage, seed: 1 }));
    const queue = new ReadyQueue(node);
    node.vote = 3;
    expect(violation(() => queue.take())).toBe('HARD_STATE_MONOTONIC');
  });

  test('LOG_LOST after a crash between the hard state and the entries, if its host stores them in the wrong order', () => {
    const node = nodeWith();
    node.step(append(1, 2, [normal(2, 2), normal(2, 3)], 3));
    const { hardState, entries } = node.ready();
    expect(hardState).toEqual({ term: 2, vote: 0, commit: 3 });
    expect(violation(() => nodeWith([], hardState))).toBe('LOG_LOST');
    // In the right order each part that may be missing at the end leaves a log that a node can start from.
    for (const survivors of [0, 1, 2]) expect(violation(() => nodeWith(entries.slice(0, survivors)))).toBe('none');
    expect(violation(() => nodeWith(entries, hardState))).toBe('none');
  });

  test('CALL_ORDER when the host skips advance(), or calls it twice', () => {
    const node = nodeWith();
    node.step(append(1, 2, [normal(2, 2)]));
    node.ready();
    expect(violation(() => node.ready())).toBe('CALL_ORDER');
    node.advance();
    expect(violation(() => node.advance())).toBe('CALL_ORDER');
  });

  test('CALL_ORDER when the host applies a change that is not committed', () => {
    const node = nodeWith();
    node.step(append(1, 2, [adding(2, 2, 4)]));
    expect(violation(() => node.applyConfigurationChange(adding(2, 2, 4)))).toBe('CALL_ORDER');
  });

  test('INDEX_ORDER when its storage purges entries that are not applied', () => {
    const storage = new MemoryStorage(first);
    storage.append([normal(1, 2), normal(1, 3)]);
    storage.setHardState({ term: 1, vote: 0, commit: 3 });
    const node = new RaftNode({ id: 2, storage, seed: 1 });
    storage.saveSnapshot({ ...first, index: 2 });
    storage.purge(2);
    expect(violation(() => node.ready())).toBe('INDEX_ORDER');
  });
});

describe('a stale membership', () => {
  // Two changes: {1,2,3} -> {1,2,3,4} -> {1,2,3,4,5}. Two of three form a majority of the first, three of five one of the last: with the
  // first one, nodes 1 and 2 could decide against 3, 4 and 5.
  function grown(): Cluster {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    for (const id of [4, 5]) {
      cluster.add(id);
      cluster.node(1).proposeConfigurationChange({ transition: 'auto', changes: [{ kind: 'add-voter', node: id }] });
      cluster.settle();
      cluster.tick(1, 2);
      cluster.settle();
    }
    return cluster;
  }

  test('in a snapshot stops its sender, so that nobody starts from it', () => {
    const cluster = grown();
    cluster.propose(1, 'a');
    const { storage, appliedIndex } = cluster.member(1);
    storage.saveSnapshot({ index: appliedIndex, term: storage.term(appliedIndex)!, configuration, data: noBytes });
    storage.purge(appliedIndex);
    cluster.add(6);
    cluster.node(1).proposeConfigurationChange({ transition: 'auto', changes: [{ kind: 'add-learner', node: 6 }] });
    expect(violation(() => cluster.settle())).toBe('MEMBERSHIP_STALE');
  });

  test('beside a state machine that is newer stops a restart', () => {
    const cluster = grown();
    const { storage, appliedIndex: applied } = cluster.member(1);
    expect(violation(() => new RaftNode({ id: 1, storage, seed: 1, applied }))).toBe('none');
    storage.setMembership({ index: 1, configuration });
    expect(violation(() => new RaftNode({ id: 1, storage, seed: 1, applied }))).toBe('MEMBERSHIP_STALE');
  });

  test('beside a state machine that is older stops a restart', () => {
    const cluster = grown();
    const { storage } = cluster.member(1);
    expect(violation(() => new RaftNode({ id: 1, storage, seed: 1, applied: 2 }))).toBe('MEMBERSHIP_STALE');
  });

  test('is replaced by that of a newer snapshot, with its index', () => {
    const node = nodeWith();
    const snapshot = { index: 9, term: 2, configuration: configurationOf([2, 4, 5]), data: noBytes };
    node.step({ kind: 'snapshot', from: 4, to: 2, term: 2, snapshot });
    expect(node.status().membership).toEqual({ index: 9, configuration: snapshot.configuration });
    const old = { ...snapshot, index: 5, configuration: configurationOf([1, 2, 3]) };
    node.step({ kind: 'snapshot', from: 4, to: 2, term: 2, snapshot: old });
    expect(node.status().membership).toEqual({ index: 9, configuration: snapshot.configuration });
  });
});

describe('a node that lost its commit index', () => {
  const changes = [adding(1, 2, 4), normal(1, 3), adding(1, 4, 5), normal(1, 5)];

  test('takes a log with two changes as proof that the first one is committed, and applies it before it starts an election', () => {
    const node = nodeWith(changes, { commit: 1 });
    expect(node.status().hardState.commit).toBe(2);
    expect(node.campaign()).toBe(false);
    const { committed } = node.ready();
    expect(committed).toEqual([changes[0]]);
    node.applyConfigurationChange(committed[0]!);
    node.advance();
    expect(node.campaign()).toBe(true);
    const asked = node.ready().messages.map(({ to }) => to);
    expect(asked).toEqual([1, 3, 4]);
  });

  test('does not become a second leader of a term with the voters from two changes ago', () => {
    const cluster = new Cluster([1, 2, 3], { preVote: false, checkQuorum: false });
    cluster.elect(3);
    for (const id of [4, 5]) {
      cluster.add(id);
      cluster.node(3).proposeConfigurationChange({ transition: 'auto', changes: [{ kind: 'add-voter', node: id }] });
      cluster.settle();
      cluster.tick(3, 2);
      cluster.settle();
    }
    // Nodes 1 and 2 keep term, vote and log, and lose the commit index with everything that they had applied.
    for (const id of [1, 2]) {
      const member = cluster.member(id);
      member.storage.setHardState({ ...member.storage.initialState().hardState, commit: first.index });
      member.storage.setMembership({ index: first.index, configuration });
      member.appliedIndex = first.index;
      cluster.restart(id);
    }
    // They are a majority of the three from before, and the others are one of the five of today.
    cluster.isolate(1, 2);
    cluster.settle();
    cluster.elect(1);
    cluster.elect(4);
    const leading = cluster.members.map(({ node }) => node.status()).filter(({ role }) => role === 'leader');
    expect(leading.map(({ id, hardState }) => [id, hardState.term])).toEqual([[4, 2]]);
  });

  test('takes one change as no proof', () => {
    expect(nodeWith(changes.slice(0, 2), { commit: 1 }).status().hardState.commit).toBe(1);
  });
});

describe('a message that no node can have sent is ignored', () => {
  test.each<[string, Message]>([
    ['entries with a gap', append(1, 2, [normal(2, 2), normal(2, 4)])],
    ['entries that begin elsewhere', append(1, 2, [normal(2, 3)])],
    ['a term that falls', append(1, 2, [normal(2, 2), normal(1, 3)])],
    ['an entry of a term after the sender', append(1, 2, [normal(3, 2)])],
    ['a term that is no integer', append(1, 1.5, [])],
    ['a negative commit index', append(1, 2, [], -1)],
    ['an index that is not exact', { kind: 'heartbeat', from: 1, to: 2, term: 2, commit: 2 ** 53, readRound: 0 }],
  ])('%s', (_, message) => {
    const node = nodeWith();
    expect(node.step(message)).toBe('malformed');
    expect(node.status()).toMatchObject({ lastIndex: 1, hardState: { term: 1 } });
    expect(node.hasReady).toBe(false);
  });
});

test('options out of range are refused with every problem at once', () => {
  const make = () =>
    new RaftNode({
      id: 0,
      storage: new MemoryStorage(),
      seed: 0.5,
      electionTicks: 2,
      heartbeatTicks: 3,
      reads: 'lease',
      checkQuorum: false,
    });
  expect(make).toThrow(/id must.*seed must.*electionTicks must be greater.*lease needs checkQuorum/);
});
