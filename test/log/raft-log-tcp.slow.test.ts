import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pause } from '../../src/environment/timers';
import { command, numbers } from './recorded-state';
import { TcpCluster, type TcpNode } from './tcp-cluster';

const wait = (ms: number) => pause(ms, undefined, { keepsAlive: true });

describe('The logs of three nodes over TCP, with their disks,', () => {
  let cluster: TcpCluster;
  beforeEach(async () => {
    cluster = await TcpCluster.open(3);
  });
  afterEach(() => cluster.close());

  const others = (node: TcpNode) => cluster.nodes.filter((each) => each !== node) as [TcpNode, TcpNode];
  const propose = (node: TcpNode, count: number, first = 0) =>
    Promise.all(numbers(count, first).map((n) => node.log.propose(command(n))));

  /** All nodes have applied these commands, each once and in the same order. */
  async function expectSame(expected: readonly number[]): Promise<void> {
    await cluster.settled();
    for (const { state } of cluster.nodes) {
      expect(new Set(state.numbers).size).toBe(state.numbers.length);
      expect([...state.numbers].sort((a, b) => a - b)).toEqual(expected);
      expect(state.numbers).toEqual(cluster.nodes[0]?.state.numbers);
    }
  }

  test('answer through every node, and apply the same', async () => {
    await cluster.leader();
    await Promise.all(cluster.nodes.map((node, i) => propose(node, 200, i * 200)));
    await expectSame(numbers(600));
  });

  test('go on when the leader ends, and it follows when it is started again', async () => {
    const leader = await cluster.leader();
    const [other] = others(leader);
    await propose(other, 20);
    await leader.log.abort();
    await propose(other, 20, 20);
    await leader.start();
    await propose(leader, 20, 40);
    await expectSame(numbers(60));
  });

  test('go on when all nodes are started again at once', async () => {
    await propose(await cluster.leader(), 50);
    await Promise.all(cluster.nodes.map(({ log }) => log.abort()));
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await propose(cluster.nodes[0] as TcpNode, 50, 50);
    await expectSame(numbers(100));
  });

  test('go on under another leader when the disk of the leader stalls, and it follows when the disk answers again', async () => {
    const leader = await cluster.leader();
    const [other] = others(leader);
    leader.isStalled = true;
    await propose(other, 10);
    const next = await cluster.leader(others(leader));
    await propose(next, 10, 10);
    expect(leader.host.status().role).not.toBe('leader');
    leader.resumeDisk();
    await propose(leader, 10, 20);
    await expectSame(numbers(30));
  });

  test('keep one order through a partition in which the old leader can send and not hear', async () => {
    const leader = await cluster.leader();
    const [a, b] = others(leader);
    for (const node of [a, b]) node.loses = ({ to }) => to === leader.id;
    const lost = propose(leader, 5).then(
      () => 'answered',
      (error) => error.code,
    );
    await wait(4_000);
    const next = await cluster.leader([a, b]);
    await propose(next, 5, 5);
    for (const node of [a, b]) node.loses = () => false;
    await lost;
    await propose(leader, 5, 10);
    // What was in doubt is applied once: its node sends it again until it is.
    await expectSame(numbers(15));
  });
});
