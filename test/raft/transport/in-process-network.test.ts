import { describe, expect, test } from 'vitest';
import type { Heartbeat, PeerMessage } from '../../../src/raft/core/messages';
import { InProcessNetwork, type InProcessNetworkOptions } from '../../../src/raft/transport/in-process-network';
import type { TransportReceiver } from '../../../src/raft/transport/raft-transport';
import { raftTransportConformance } from '../../../src/testing/raft-transport-conformance';

describe('conformance', () => {
  let network = new InProcessNetwork();
  let count = 0;
  const cases = raftTransportConformance(async () => {
    const address = `node-${++count}`;
    return { transport: network.transport(address), address };
  });
  for (const { name, run } of cases)
    test(name, async () => {
      network = new InProcessNetwork();
      await run();
    });
});

describe('the network', () => {
  test('delivers the same messages for the same seed, and others for another', async () => {
    const faults = { loss: 0.3, duplicates: 0.3, delayMs: [1, 9] } as const;
    const one = await deliveriesOf({ seed: 5, ...faults });
    expect(await deliveriesOf({ seed: 5, ...faults })).toEqual(one);
    expect(await deliveriesOf({ seed: 6, ...faults })).not.toEqual(one);
    expect(new Set(one).size).toBeLessThan(100);
    expect(one.length).toBeGreaterThan(new Set(one).size);
    expect(one).not.toEqual([...one].sort((a, b) => a - b));
  });

  test('delivers in order without faults', async () => {
    expect(await deliveriesOf({})).toEqual(Array.from({ length: 100 }, (_, at) => at));
  });

  test('delivers only within the groups of a partition, until it is healed', async () => {
    const { network, nodes } = await started(['a', 'b', 'c']);
    network.partition(['a', 'b']);
    sendToAll(nodes);
    await turns();
    expect(nodes.map(({ terms }) => terms)).toEqual([[2], [1], []]);
    network.heal();
    sendToAll(nodes);
    await turns();
    expect(nodes.map(({ terms }) => terms)).toEqual([
      [2, 2, 3],
      [1, 1, 3],
      [1, 2],
    ]);
  });

  test('cuts off one direction only', async () => {
    const { network, nodes } = await started(['a', 'b']);
    network.cutOff('a', 'b');
    sendToAll(nodes);
    await turns();
    expect(nodes.map(({ terms }) => terms)).toEqual([[2], []]);
  });

  test('loses what is on its way when a partition begins', async () => {
    const { network, nodes } = await started(['a', 'b']);
    sendToAll(nodes);
    network.partition(['a'], ['b']);
    await turns();
    expect(nodes.map(({ terms }) => terms)).toEqual([[], []]);
  });

  test('rejects two nodes at one address, and conditions that make no sense', async () => {
    const { network } = await started(['a']);
    await expect(network.transport('a').start(receiverOf(2, []))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(() => network.setConditions({ loss: 2, duplicates: -1, delayMs: [5, 1] })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', issues: expect.objectContaining({ length: 3 }) }),
    );
  });
});

interface Started {
  readonly node: number;
  readonly terms: number[];
  readonly transport: ReturnType<InProcessNetwork['transport']>;
}

async function started(addresses: readonly string[], options: InProcessNetworkOptions = {}) {
  const network = new InProcessNetwork(options);
  const members = new Map(addresses.map((address, at) => [at + 1, address]));
  const nodes: Started[] = [];
  for (const [node, address] of members) {
    const terms: number[] = [];
    const transport = network.transport(address);
    await transport.start(receiverOf(node, terms));
    transport.setMembers(members);
    nodes.push({ node, terms, transport });
  }
  return { network, nodes };
}

function receiverOf(node: number, terms: number[]): TransportReceiver {
  const identity = { cluster: 'c'.repeat(32), node, start: 1, release: '1.0.0', schema: 1, analyzer: '1' };
  return {
    identity: () => identity,
    receive: (message: PeerMessage) => void terms.push(message.term),
    request: async (_, body) => body,
    snapshotPath: () => undefined,
    receiveSnapshot: async () => undefined,
    unreachable: () => undefined,
  };
}

/** Each node sends its number to all others. */
function sendToAll(nodes: readonly Started[]): void {
  for (const from of nodes)
    from.transport.send(nodes.filter((to) => to !== from).map((to) => heartbeat(from.node, to.node, from.node)));
}

/** The terms of 100 messages in the order in which they arrived, with virtual time. */
async function deliveriesOf(options: InProcessNetworkOptions): Promise<readonly number[]> {
  const waiting: { readonly at: number; readonly action: () => void }[] = [];
  const { nodes } = await started(['a', 'b'], {
    ...options,
    schedule: (ms, action) => {
      waiting.push({ at: ms, action });
      return () => undefined;
    },
  });
  const [a, b] = nodes as [Started, Started];
  a.transport.send(Array.from({ length: 100 }, (_, at) => heartbeat(1, 2, at)));
  await turns();
  for (const { action } of waiting.sort((x, y) => x.at - y.at)) action();
  return b.terms;
}

function heartbeat(from: number, to: number, term: number): Heartbeat {
  return { kind: 'heartbeat', from, to, term, commit: 0, readRound: 0 };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
