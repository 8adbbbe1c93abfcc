import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/domain/command';
import { MemoryError } from '../../src/domain/errors';
import { root } from '../../src/domain/principal';
import { foundingMembers, NumberedState } from '../raft/node/numbered-state';
import { draft, remember } from '../state/test-state';
import { addressOf, RaftCluster } from './raft-cluster';
import { command, numbers } from './recorded-state';

const megabyte = 2 ** 20;

interface Setting {
  readonly cluster: RaftCluster;
  readonly states: readonly NumberedState[];
  readonly leader: number;
  readonly followers: readonly [number, number];
}

async function threePeers(): Promise<Setting> {
  const founding = foundingMembers([1, 2, 3]);
  const states = numbers(3).map(() => new NumberedState(founding));
  const first = (states[0] as NumberedState).snapshot();
  const cluster = new RaftCluster({ targets: states, maxPending: 1_000, seed: 1, first });
  await cluster.settle();
  const { leader } = cluster;
  return { cluster, states, leader, followers: cluster.ids.filter((id) => id !== leader) as [number, number] };
}

function longCommand(n: number, chars: number): Command {
  return remember(root, n, draft({ id: `memory-${n}`, text: 'x'.repeat(chars) }));
}

function ruleCommand(n: number): Command {
  const { stamp } = command(n);
  return { stamp, type: 'end-declaration', id: 'rule' };
}

function failedDisk(): MemoryError {
  return new MemoryError('FILE_FAILED', 'The disk does not answer.');
}

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    return MemoryError.is(error) ? error.code : String(error);
  }
}

describe('A command', () => {
  test('that is longer than an entry of the log is refused with the limit, and nothing is written', async () => {
    const { cluster, states, leader } = await threePeers();
    const log = cluster.log(leader);
    await expect(log.propose(longCommand(0, 9 * megabyte))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('8388608 bytes'),
    });
    expect(log.pending).toBe(0);
    await log.propose(command(1));
    expect(states[leader - 1]?.numbers).toEqual([1]);
  });

  test('that does not fit into the frame of the others goes into the next one, in its order', async () => {
    const { cluster, states, followers } = await threePeers();
    const frames: number[] = [];
    const state = states[followers[0] - 1] as NumberedState;
    state.onEntry = ({ frame }) => frame && frames.push(frame.commands.length);
    const log = cluster.log(followers[0]);
    await Promise.all(numbers(5).map((n) => log.propose(longCommand(n, 3 * megabyte))));
    expect(frames).toEqual([2, 2, 1]);
    expect(state.numbers).toEqual(numbers(5));
  });

  test('ends with NO_QUORUM if no leader is known, and is not written later', async () => {
    const { cluster, states, leader } = await threePeers();
    cluster.cutOff(leader);
    await cluster.settle();
    expect(await codeOf(cluster.log(leader).propose(command(0)))).toBe('NO_QUORUM');
    cluster.cutOff();
    await cluster.settle();
    expect(states[leader - 1]?.numbers).toEqual([]);
  });

  test('is written once although its caller has got OUTCOME_UNKNOWN, and those after it in their order', async () => {
    const { cluster, states, leader } = await threePeers();
    cluster.cutOff(leader);
    const log = cluster.log(leader);
    expect(await codeOf(log.propose(command(0)))).toBe('OUTCOME_UNKNOWN');
    expect(log.pending).toBe(0);
    const later = log.propose(command(1));
    cluster.cutOff();
    await later;
    await cluster.settle();
    for (const state of states) expect(state.numbers).toEqual([0, 1]);
  });

  test('ends with OUTCOME_UNKNOWN if a snapshot has brought its effects, and the next frames go on', async () => {
    const { cluster, states, followers } = await threePeers();
    const [behind, other] = followers;
    const log = cluster.log(behind);
    await log.propose(command(0));
    // The answer cannot come back, but the frame reaches the leader.
    for (const id of cluster.ids) if (id !== behind) cluster.network.cutOff(addressOf(id), addressOf(behind));
    const lost = codeOf(log.propose(command(1)));
    await cluster.time.pass(500);
    expect(states[other - 1]?.numbers).toEqual([0, 1]);
    for (const id of cluster.ids.filter((each) => each !== behind)) {
      const state = states[id - 1] as NumberedState;
      await cluster.host(id).saveSnapshot(state.snapshot());
      await cluster.host(id).purge(state.logPosition().index);
    }
    cluster.network.heal();
    expect(await lost).toBe('OUTCOME_UNKNOWN');
    expect(states[behind - 1]?.installed).toBe(1);
    await log.propose(command(2));
    expect(states[behind - 1]?.numbers).toEqual([0, 1, 2]);
  });
});

describe('A change of the rules', () => {
  test('is answered when every peer has applied it', async () => {
    const { cluster, states, followers } = await threePeers();
    await cluster.log(followers[0]).propose(ruleCommand(1));
    for (const state of states) expect(state.numbers).toEqual([1]);
  });

  test('is answered when the read lease of a peer that is cut off has run out', async () => {
    const { cluster, states, leader, followers } = await threePeers();
    const [lagging] = followers;
    await cluster.log(lagging).barrier('session');
    cluster.cutOff(lagging);
    expect(cluster.host(lagging).hasReadLease).toBe(true);
    const before = cluster.time.elapsedMs();
    await cluster.log(leader).propose(ruleCommand(1));
    expect(cluster.time.elapsedMs() - before).toBeGreaterThan(1_000);
    expect(cluster.host(lagging).hasReadLease).toBe(false);
    expect(states[lagging - 1]?.numbers).toEqual([]);
    expect(states[leader - 1]?.numbers).toEqual([1]);
  });

  test('does not delay the outcomes of other commands', async () => {
    const { cluster, leader, followers } = await threePeers();
    cluster.cutOff(followers[0]);
    const log = cluster.log(leader);
    let isAnswered = false;
    const rule = log.propose(ruleCommand(1)).then(() => {
      isAnswered = true;
    });
    await cluster.time.pass(100);
    await log.propose(command(2));
    expect(isAnswered).toBe(false);
    await rule;
  });
});

describe('A read', () => {
  test('of the session ends with NO_QUORUM on a peer whose read lease has run out', async () => {
    const { cluster, followers } = await threePeers();
    cluster.cutOff(followers[0]);
    await cluster.time.pass(3_000);
    expect(await codeOf(cluster.log(followers[0]).barrier('session'))).toBe('NO_QUORUM');
    expect(await codeOf(cluster.log(followers[1]).barrier('session'))).toBe(undefined);
  });

  test('after a position that the peer has reached needs a read lease, too', async () => {
    const { cluster, states, followers } = await threePeers();
    const [reader, writer] = followers;
    const log = cluster.log(reader);
    await log.barrier({ after: log.position() });
    cluster.cutOff(reader);
    await cluster.log(writer).propose(ruleCommand(1));
    // The rule is acknowledged, and this peer does not know it.
    expect(states[reader - 1]?.numbers).toEqual([]);
    const read = codeOf(log.barrier({ after: log.position() }));
    expect(await read).toBe('NO_QUORUM');
    cluster.cutOff();
    await log.barrier({ after: log.position() });
    expect(states[reader - 1]?.numbers).toEqual([1]);
  });

  test('of the session needs the lease when the own commands are answered, not only before', async () => {
    const { cluster, followers } = await threePeers();
    const [reader] = followers;
    const log = cluster.log(reader);
    await log.barrier('session');
    cluster.cutOff(reader);
    const write = codeOf(log.propose(command(0)));
    expect(cluster.host(reader).hasReadLease).toBe(true);
    expect(await codeOf(log.barrier('session'))).toBe('NO_QUORUM');
    expect(await write).toBe('OUTCOME_UNKNOWN');
  });

  test.each([
    ['halts', 'FILE_FAILED', (cluster: RaftCluster, id: number) => cluster.host(id).halt(failedDisk())],
    ['is stopped', 'STORE_CLOSED', (cluster: RaftCluster, id: number) => cluster.stop(id)],
  ])('of the session that waits for an own command ends when its node %s', async (_, code, end) => {
    const { cluster, followers } = await threePeers();
    const [reader] = followers;
    const log = cluster.log(reader);
    cluster.cutOff(reader);
    const write = codeOf(log.propose(command(0)));
    const read = codeOf(log.barrier('session'));
    await cluster.time.pass(100);
    end(cluster, reader);
    expect(await write).toBe('OUTCOME_UNKNOWN');
    expect(await read).toBe(code);
  });

  test('that was given up is not asked for again, however many others wait', async () => {
    const { cluster, followers } = await threePeers();
    const [reader] = followers;
    const log = cluster.log(reader);
    cluster.cutOff(reader);
    const reads: Promise<unknown>[] = [];
    for (let n = 0; n < 600; n++) {
      reads.push(codeOf(log.barrier('linearizable')));
      await cluster.time.pass(50);
    }
    const asked = new Set<number>();
    cluster.onMessage = (message) => {
      if (message.kind === 'read-index' && message.from === reader) asked.add(message.context);
    };
    cluster.cutOff();
    await Promise.all(reads);
    // A read waits for 10 seconds, in which about 100 others have come.
    expect(asked.size).toBeGreaterThan(50);
    expect(asked.size).toBeLessThan(150);
  });

  test('goes on when the lease has come back', async () => {
    const { cluster, followers } = await threePeers();
    cluster.cutOff(followers[0]);
    await cluster.time.pass(3_000);
    const read = cluster.log(followers[0]).barrier('session');
    cluster.cutOff();
    await read;
    expect(cluster.host(followers[0]).hasReadLease).toBe(true);
  });

  test('shares its round with those of the same moment', async () => {
    const { cluster, followers } = await threePeers();
    const [reader] = followers;
    let asked = 0;
    cluster.onMessage = ({ kind, from }) => {
      if (kind === 'read-index' && from === reader) asked++;
    };
    const log = cluster.log(reader);
    await Promise.all(numbers(50).map(() => log.barrier('linearizable')));
    expect(asked).toBe(1);
  });

  test('after a position that the cluster has not reached ends with NO_QUORUM', async () => {
    const { cluster, leader } = await threePeers();
    const log = cluster.log(leader);
    expect(await codeOf(log.barrier({ after: log.position() + 5 }))).toBe('NO_QUORUM');
  });
});

test('A node whose id was started again elsewhere ends with NODE_DUPLICATE', async () => {
  const { cluster, followers } = await threePeers();
  const [copied] = followers;
  await cluster.log(copied).propose(command(0));
  // The copy of the folder has the next start.
  cluster.host(cluster.leader).propose(cluster.frame(copied, 2, [command(1)]));
  await cluster.settle();
  expect(await codeOf(cluster.log(copied).propose(command(2)))).toBe('OUTCOME_UNKNOWN');
  expect(await codeOf(cluster.log(copied).propose(command(3)))).toBe('NODE_DUPLICATE');
});
