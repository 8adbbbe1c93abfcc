import { describe, expect, test } from 'vitest';
import { configurationOf } from '../../src/raft/core/configuration';
import type { ConfigurationChange } from '../../src/raft/core/configuration-change';
import { noBytes } from '../../src/raft/core/entry';
import type { Append } from '../../src/raft/core/messages';
import { RaftNode } from '../../src/raft/core/raft-node';
import { MemoryStorage } from '../../src/raft/storage/memory-storage';
import { Cluster } from './cluster';

const bytes = (text: string) => new TextEncoder().encode(text);
const first = { index: 1, term: 1, configuration: configurationOf([1, 2, 3]), data: noBytes };
const leaders = (cluster: Cluster) =>
  cluster.members.filter(({ node }) => node.status().role === 'leader').map(({ id }) => id);
const add = (...nodes: readonly number[]): ConfigurationChange => ({
  transition: 'auto',
  changes: nodes.map((node) => ({ kind: 'add-voter', node })),
});

describe('elections', () => {
  test('one node leads after ticks alone, and the same seeds give the same course', () => {
    const course = () => {
      const cluster = new Cluster([1, 2, 3]);
      const seen: string[] = [];
      for (let tick = 0; tick < 60; tick += 1) {
        for (const { id } of cluster.members) cluster.tick(id);
        cluster.settle();
        seen.push(cluster.members.map(({ node }) => `${node.status().role} ${node.status().hardState.term}`).join());
      }
      expect(leaders(cluster)).toHaveLength(1);
      return seen;
    };
    expect(course()).toEqual(course());
  });

  test('time-outs stay between one and two election time-outs and differ by seed', () => {
    const timeouts = Array.from({ length: 50 }, (_, seed) => {
      const node = new RaftNode({ id: 1, storage: new MemoryStorage(first), seed });
      let ticks = 0;
      for (; node.status().role === 'follower'; ticks += 1) node.tick();
      return ticks;
    });
    expect(Math.min(...timeouts)).toBeGreaterThanOrEqual(15);
    expect(Math.max(...timeouts)).toBeLessThan(30);
    expect(new Set(timeouts).size).toBeGreaterThan(8);
  });

  test('a node that was cut off does not raise the term, and disturbs nobody when it is back', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    const { term } = cluster.node(1).status().hardState;
    cluster.isolate(3);
    for (let tick = 0; tick < 200; tick += 1) {
      for (const { id } of cluster.members) cluster.tick(id);
      cluster.settle();
    }
    expect(cluster.node(3).status().hardState.term).toBe(term);
    cluster.heal();
    for (let tick = 0; tick < 60; tick += 1) {
      for (const { id } of cluster.members) cluster.tick(id);
      cluster.settle();
    }
    expect(cluster.node(1).status()).toMatchObject({ role: 'leader', hardState: { term } });
    expect(cluster.node(3).status()).toMatchObject({ role: 'follower', leader: 1 });
  });

  test('a vote is told only with the messages that wait for the disk', () => {
    const node = new RaftNode({ id: 2, storage: new MemoryStorage(first), seed: 1 });
    node.step({ kind: 'vote-request', from: 1, to: 2, term: 2, lastIndex: 1, lastTerm: 1, isTransfer: false });
    const ready = node.ready();
    expect(ready).toMatchObject({ mustSync: true, messages: [], hardState: { term: 2, vote: 1, commit: 1 } });
    expect(ready.messagesAfterSync).toMatchObject([{ kind: 'vote-response', to: 1, isRejected: false }]);
  });

  test('a vote survives a restart, so that nobody gets a second one in its term', () => {
    const cluster = new Cluster([1, 2, 3], { preVote: false });
    cluster.isolate(3);
    cluster.elect(1);
    cluster.restart(2);
    const { term } = cluster.node(1).status().hardState;
    const other = {
      kind: 'vote-request',
      from: 3,
      to: 2,
      term,
      lastIndex: 9,
      lastTerm: term,
      isTransfer: false,
    } as const;
    cluster.node(2).step(other);
    expect(cluster.node(2).ready().messagesAfterSync).toMatchObject([{ kind: 'vote-response', isRejected: true }]);
  });

  test('a node with a shorter log gets no vote', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(3);
    cluster.propose(1, 'a');
    cluster.heal();
    for (const id of [1, 2]) cluster.node(id).forgetLeader();
    cluster.elect(3);
    expect(leaders(cluster)).toEqual([1]);
  });

  test('a leader that hears from no majority steps down', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(1);
    cluster.tick(1, 31);
    expect(cluster.node(1).status().role).toBe('follower');
  });

  test('a leader whose own append does not finish for an election time-out steps down', () => {
    for (const stepDownOnStalledAppend of [true, false]) {
      const cluster = new Cluster([1, 2, 3], { checkQuorum: false, stepDownOnStalledAppend });
      cluster.elect(1);
      cluster.node(1).propose([bytes('a')]);
      const ready = cluster.node(1).ready();
      expect(ready.entries).toHaveLength(1);
      // The disk hangs: advance() does not come. Time goes on, and the others answer.
      cluster.tick(1, 15);
      expect(cluster.node(1).status().role).toBe('leader');
      cluster.tick(1, 1);
      expect(cluster.node(1).status().role).toBe(stepDownOnStalledAppend ? 'follower' : 'leader');
    }
  });
});

describe('replication', () => {
  test('a proposal at a follower goes through its leader and is applied in one order everywhere', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.propose(2, 'a', 'b');
    cluster.propose(1, 'c');
    cluster.propose(3, 'd');
    for (const { applied } of cluster.members) expect(applied).toEqual(['a', 'b', 'c', 'd']);
  });

  test('an entry is not committed before a majority has it, nor counted by its leader before it is durable', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    const { commit } = cluster.node(1).status().hardState;
    cluster.node(1).propose([bytes('a')]);
    const { messages } = cluster.node(1).ready();
    const append = messages.find((message): message is Append => message.kind === 'append' && message.to === 2)!;
    cluster.node(2).step(append);
    const answers = cluster.node(2).ready().messagesAfterSync;
    for (const answer of answers) cluster.node(1).step(answer);
    expect(cluster.node(1).status().hardState.commit).toBe(commit);
    cluster.node(1).advance();
    expect(cluster.node(1).status().hardState.commit).toBe(commit + 1);
  });

  test('an entry of an earlier term is committed only with one of the new leader', () => {
    // The case of figure 8 of the Raft paper: counting copies of an old entry is not enough.
    const cluster = new Cluster([1, 2, 3, 4, 5], { preVote: false, checkQuorum: false, maxMessageBytes: 1 });
    cluster.elect(1);
    const before = cluster.node(1).status().hardState.commit;
    cluster.loses = (message) => message.kind === 'append' && message.to !== 2;
    cluster.propose(1, 'old');
    cluster.isolate(1, 2);
    cluster.heal();
    // The others take the old entry from node 2, and then nothing more.
    cluster.loses = (message) =>
      message.kind === 'append' &&
      message.entries.some(({ term }) => term > 1) &&
      cluster.member(message.to).storage.term(before + 1) === 1;
    cluster.elect(2);
    expect(cluster.node(2).status().role).toBe('leader');
    cluster.tick(2, 2);
    cluster.settle();
    // A majority has the old entry, and it could still be replaced.
    expect(cluster.members.filter(({ storage }) => storage.term(before + 1) === 1)).toHaveLength(5);
    expect(cluster.node(2).status().hardState.commit).toBe(before);
    cluster.heal();
    cluster.tick(2, 2);
    cluster.settle();
    expect(cluster.members.map(({ applied }) => applied)).toEqual(Array.from({ length: 5 }, () => ['old']));
  });

  test('a member that was silent for an election time-out is probed anew', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(3);
    cluster.propose(1, 'a');
    const stateOf = (id: number) =>
      cluster
        .node(1)
        .status()
        .members.find((member) => member.id === id)?.state;
    expect(stateOf(3)).toBe('replicate');
    for (let tick = 0; tick < 31; tick += 1) {
      cluster.tick(1);
      cluster.settle();
    }
    expect([stateOf(2), stateOf(3)]).toEqual(['replicate', 'probe']);
    cluster.heal();
    cluster.tick(1, 2);
    cluster.settle();
    expect(stateOf(3)).toBe('replicate');
    expect(cluster.member(3).applied).toEqual(['a']);
  });

  test('proposals beyond the bound of uncommitted bytes are refused until others are applied', () => {
    const cluster = new Cluster([1, 2, 3], { maxUncommittedBytes: 100 });
    cluster.elect(1);
    const propose = (length: number) => cluster.node(1).propose([new Uint8Array(length)]);
    expect(propose(1_000)).toMatchObject({ isAccepted: true });
    expect(propose(1)).toEqual({ isAccepted: false, refusal: 'TOO_MUCH_UNCOMMITTED' });
    cluster.settle();
    expect(propose(60)).toMatchObject({ isAccepted: true });
    expect(propose(60)).toEqual({ isAccepted: false, refusal: 'TOO_MUCH_UNCOMMITTED' });
    expect(propose(40)).toMatchObject({ isAccepted: true });
  });

  test('what is on its way to one follower is bounded in messages and in bytes', () => {
    for (const options of [{ maxInflightMessages: 4 }, { maxInflightBytes: 4_000 }]) {
      const cluster = new Cluster([1, 2, 3], options);
      cluster.elect(1);
      for (let count = 0; count < 20; count += 1) cluster.node(1).propose([new Uint8Array(1_000)]);
      const toTwo = cluster
        .node(1)
        .ready()
        .messages.filter(({ kind, to }) => kind === 'append' && to === 2);
      expect(toTwo).toHaveLength(4);
    }
  });

  test('append messages stay within their bytes, and an entry that is larger goes alone', () => {
    const cluster = new Cluster([1, 2, 3], { maxMessageBytes: 2_000 });
    cluster.elect(1);
    cluster.node(1).propose([900, 900, 900, 5_000, 10].map((length) => new Uint8Array(length)));
    const sizes: number[] = [];
    cluster.observe = (event) => {
      if (event.kind === 'delivered' && event.message.kind === 'append' && event.message.to === 2)
        if (event.message.entries.length > 0) sizes.push(event.message.entries.length);
    };
    cluster.settle();
    expect(sizes).toEqual([2, 1, 1, 1]);
    expect(cluster.node(2).status().applied).toBe(cluster.node(1).status().applied);
  });

  test('a transfer makes the target leader without waiting for a time-out', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.propose(1, 'a');
    cluster.node(2).transferLeadership(3);
    cluster.settle();
    expect(leaders(cluster)).toEqual([3]);
  });

  test('a transfer to a silent member is given up, and meanwhile the leader takes no proposals', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(3);
    cluster.node(1).transferLeadership(3);
    cluster.settle();
    expect(cluster.node(1).propose([bytes('a')])).toEqual({ isAccepted: false, refusal: 'LEADER_MOVES' });
    for (let tick = 0; tick < 15; tick += 1) {
      cluster.tick(1);
      cluster.settle();
    }
    expect(cluster.node(1).propose([bytes('a')])).toMatchObject({ isAccepted: true });
  });

  test('a member far behind gets a snapshot, and the entries after it', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(3);
    cluster.propose(1, 'a', 'b');
    cluster.snapshot(1);
    cluster.propose(1, 'c');
    cluster.heal();
    cluster.tick(1, 2);
    cluster.settle();
    expect(cluster.member(3).applied).toEqual(['a', 'b', 'c']);
    expect(cluster.member(3).storage.snapshot()?.index).toBe(4);
  });
});

describe('reads', () => {
  test('a read is confirmed by a round of heartbeats, at the leader and at a follower', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.propose(1, 'a');
    const { commit } = cluster.node(1).status().hardState;
    cluster.node(1).requestReadIndex(7);
    cluster.node(2).requestReadIndex(8);
    expect(cluster.member(1).reads.size).toBe(0);
    cluster.settle();
    expect([cluster.member(1).reads.get(7), cluster.member(2).reads.get(8)]).toEqual([commit, commit]);
  });

  test('a leader that was replaced confirms no read', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(1);
    for (const id of [2, 3]) cluster.node(id).forgetLeader();
    cluster.elect(2);
    cluster.propose(2, 'newer');
    cluster.node(1).requestReadIndex(1);
    cluster.settle();
    cluster.heal();
    cluster.tick(1, 2);
    cluster.settle();
    expect(cluster.member(1).reads.size).toBe(0);
    expect(leaders(cluster)).toEqual([2]);
  });

  test('a new leader confirms no read before it has committed an entry of its own term', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.propose(1, 'a');
    for (const id of [2, 3]) cluster.node(id).forgetLeader();
    cluster.loses = ({ kind, from }) => kind === 'append' && from === 2;
    cluster.elect(2);
    cluster.node(2).requestReadIndex(1);
    cluster.tick(2, 2);
    cluster.settle();
    expect(cluster.member(2).reads.size).toBe(0);
    cluster.heal();
    cluster.tick(2, 4);
    cluster.settle();
    expect(cluster.member(2).reads.get(1)).toBe(cluster.node(2).status().lastIndex);
  });

  test('reads that arrive before the heartbeats of a round have left share the round', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    for (let context = 1; context <= 50; context += 1) cluster.node(1).requestReadIndex(context);
    const { messages } = cluster.node(1).ready();
    expect(messages.filter(({ kind }) => kind === 'heartbeat')).toHaveLength(2);
    cluster.node(1).advance();
    // The round has left: what comes now may be later than what it proves, so it needs a round of its own.
    cluster.node(1).requestReadIndex(51);
    expect(
      cluster
        .node(1)
        .ready()
        .messages.filter(({ kind }) => kind === 'heartbeat'),
    ).toHaveLength(2);
  });

  test('an answer of an earlier round confirms no later read', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.node(1).requestReadIndex(1);
    cluster.process(1);
    cluster.deliver();
    cluster.process(2);
    cluster.node(1).requestReadIndex(2);
    cluster.process(1);
    cluster.loses = ({ kind }) => kind === 'heartbeat';
    cluster.deliver();
    cluster.settle();
    expect([...cluster.member(1).reads.keys()]).toEqual([1]);
  });
});

describe('members', () => {
  test('two voters are added at once through a joint configuration that is left by itself', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.add(4);
    cluster.add(5);
    expect(cluster.node(1).proposeConfigurationChange(add(4, 5))).toMatchObject({ isAccepted: true });
    cluster.settle();
    cluster.tick(1, 2);
    cluster.settle();
    cluster.propose(1, 'a');
    for (const { node, applied } of cluster.members) {
      expect(node.status().membership.configuration).toEqual(configurationOf([1, 2, 3, 4, 5]));
      expect(applied).toEqual(['a']);
    }
  });

  test('a joint configuration is left by itself also if the leader was handing over its office when it was due', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(3);
    cluster.node(1).proposeConfigurationChange({ ...add(4), transition: 'joint-implicit' });
    cluster.node(1).transferLeadership(3);
    cluster.settle();
    expect(cluster.node(1).status()).toMatchObject({
      transferTarget: 3,
      membership: { configuration: { autoLeave: true } },
    });
    // The target does not answer, and the transfer is given up. Nothing else is proposed.
    for (let tick = 0; tick < 20; tick += 1) {
      cluster.tick(1);
      cluster.settle();
    }
    cluster.heal();
    cluster.add(4);
    cluster.tick(1, 2);
    cluster.settle();
    expect(cluster.node(1).status().membership.configuration).toEqual(configurationOf([1, 2, 3, 4]));
  });

  test('a voter that stays learns from those who left that they left, although nobody else leads any more', () => {
    const cluster = new Cluster([1, 2, 3], { handOverBeforeLeaving: false });
    cluster.elect(1);
    const remove = [1, 2].map((node) => ({ kind: 'remove', node }) as const);
    cluster.node(1).proposeConfigurationChange({ transition: 'joint-explicit', changes: remove });
    cluster.settle();
    // Node 3 gets the entry that makes it the only voter, and misses that it is committed. Nodes 1 and 2 know more entries than it does.
    const leaving = cluster.node(1).status().lastIndex + 1;
    cluster.node(1).proposeConfigurationChange({ transition: 'auto', changes: [] });
    cluster.node(1).propose([bytes('a')]);
    cluster.loses = (message) =>
      message.to === 3 && message.kind === 'append' && (message.commit >= leaving || message.previousIndex >= leaving);
    cluster.settle();
    cluster.heal();
    expect(cluster.node(1).status()).toMatchObject({ role: 'follower', applied: leaving, lastIndex: leaving + 1 });
    expect(cluster.node(3).status()).toMatchObject({ lastIndex: leaving, hardState: { commit: leaving - 1 } });
    expect([cluster.node(1).campaign(), cluster.node(2).campaign()]).toEqual([false, false]);
    for (const id of [1, 2, 3]) cluster.node(id).forgetLeader();
    cluster.elect(3);
    expect(cluster.node(3).status()).toMatchObject({ role: 'follower', applied: leaving });
    cluster.elect(3);
    expect(cluster.node(3).status()).toMatchObject({
      role: 'leader',
      membership: { configuration: configurationOf([3]) },
    });
  });

  test('a second change is refused while the first is not applied', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    expect(cluster.node(1).proposeConfigurationChange(add(4))).toMatchObject({ isAccepted: true });
    expect(cluster.node(1).proposeConfigurationChange(add(5))).toEqual({
      isAccepted: false,
      refusal: 'CHANGE_PENDING',
    });
  });

  test.each([
    ['NOT_JOINT', { transition: 'auto', changes: [] }],
    ['TOO_MANY_VOTERS', add(4, 5, 6, 7, 8)],
    ['NO_VOTERS_LEFT', { transition: 'auto', changes: [1, 2, 3].map((node) => ({ kind: 'remove', node })) }],
  ] as const)('a change is refused at once with %s, and the cluster goes on', (refusal, change) => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    expect(cluster.node(1).proposeConfigurationChange(change as ConfigurationChange)).toEqual({
      isAccepted: false,
      refusal,
    });
    cluster.propose(1, 'a');
    for (const { applied } of cluster.members) expect(applied).toEqual(['a']);
  });

  test('a leader that is to lose its vote hands over to the most complete log first, and refuses the change', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(2);
    cluster.propose(1, 'a');
    const away = { transition: 'auto', changes: [{ kind: 'remove', node: 1 }] } as const;
    expect(cluster.node(1).proposeConfigurationChange(away)).toEqual({ isAccepted: false, refusal: 'LEADER_LEAVES' });
    expect(cluster.node(1).status()).toMatchObject({ transferTarget: 3, lastIndex: 3 });
    cluster.heal();
    cluster.settle();
    expect(leaders(cluster)).toEqual([3]);
    expect(cluster.node(3).proposeConfigurationChange(away)).toMatchObject({ isAccepted: true });
    cluster.settle();
    expect(cluster.node(3).status().membership.configuration.voters).toEqual([2, 3]);
    expect(leaders(cluster)).toEqual([3]);
  });

  test('a leader that is to lose its vote hands over to nobody who is silent', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate(2);
    for (let tick = 0; tick < 17; tick += 1) {
      cluster.tick(1);
      cluster.settle();
    }
    cluster.node(1).proposeConfigurationChange({ transition: 'auto', changes: [{ kind: 'remove', node: 1 }] });
    cluster.settle();
    expect(leaders(cluster)).toEqual([3]);
  });

  test.each(['demoted', 'replaced with all other voters', 'alone'])('a leader that is %s leaves to a voter', (how) => {
    const cluster = new Cluster(how === 'alone' ? [1] : [1, 2, 3]);
    for (const id of [4, 5]) cluster.add(id);
    cluster.elect(1);
    const remove = (node: number) => ({ kind: 'remove', node }) as const;
    const steps = {
      demoted: [{ kind: 'add-learner', node: 1 }],
      'replaced with all other voters': [...[1, 2, 3].map(remove), ...add(4, 5).changes],
      alone: [remove(1), ...add(4).changes],
    } as const;
    const change = { transition: 'auto', changes: steps[how as keyof typeof steps] } as const;
    for (let rounds = 0; rounds < 40; rounds += 1) {
      const [leader] = leaders(cluster);
      const { voters } = cluster.node(leader!).status().membership.configuration;
      if (leader !== undefined && voters.includes(1)) cluster.node(leader).proposeConfigurationChange(change);
      for (const { id } of cluster.members) cluster.tick(id);
      cluster.settle();
    }
    const [leader] = leaders(cluster);
    const { configuration } = cluster.node(leader!).status().membership;
    expect(configuration.outgoing).toEqual([]);
    expect(configuration.voters).not.toContain(1);
    expect(configuration.voters).toContain(leader);
  });

  test('a leader that is removed without handing over commits its removal and steps down; the others elect one of them', () => {
    const cluster = new Cluster([1, 2, 3], { handOverBeforeLeaving: false });
    cluster.elect(1);
    cluster.node(1).proposeConfigurationChange({ transition: 'auto', changes: [{ kind: 'remove', node: 1 }] });
    cluster.settle();
    expect(cluster.node(1).status().role).toBe('follower');
    expect(cluster.node(1).campaign()).toBe(false);
    for (const id of [2, 3]) cluster.node(id).forgetLeader();
    cluster.elect(2);
    cluster.propose(2, 'a');
    expect(cluster.member(3).applied).toEqual(['a']);
  });

  test('a node with a committed change that it has not applied starts no election', () => {
    const cluster = new Cluster([1, 2, 3]);
    cluster.elect(1);
    cluster.node(1).proposeConfigurationChange(add(4));
    // Node 2 learns that the change is committed, but its state machine is slow.
    while (!cluster.node(2).status().hardState.commit || cluster.node(2).status().hardState.commit < 3) {
      for (const id of [1, 3]) if (cluster.node(id).hasReady) cluster.process(id);
      cluster.deliver();
      if (cluster.node(2).hasReady && cluster.node(2).status().hardState.commit < 3) cluster.process(2);
    }
    expect(cluster.node(2).status()).toMatchObject({ applied: 2, hardState: { commit: 3 } });
    expect(cluster.node(2).campaign()).toBe(false);
    cluster.settle();
    expect(cluster.node(2).campaign()).toBe(true);
  });

  test('a learner receives entries and neither votes for itself nor counts', () => {
    const cluster = new Cluster([1]);
    cluster.add(2);
    cluster.elect(1);
    cluster.node(1).proposeConfigurationChange({ transition: 'auto', changes: [{ kind: 'add-learner', node: 2 }] });
    cluster.settle();
    cluster.isolate(2);
    cluster.propose(1, 'a');
    expect(cluster.member(1).applied).toEqual(['a']);
    cluster.heal();
    cluster.tick(1, 2);
    cluster.settle();
    expect(cluster.member(2).applied).toEqual(['a']);
    expect(cluster.node(2).campaign()).toBe(false);
  });
});
