import { join } from 'node:path';
import { type ClusterOptions, decodePeerMessage, MemoryStore, type RaftTransport } from 'multi-agent-memory';
import { InProcessNetwork, raftTransportConformance } from 'multi-agent-memory/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openToAll, refusal, temporaryFolder } from '../store/stores';
import { Broker, BrokerTransport } from './broker-transport';
import { settledRoles } from './cluster-of-folders';

const place = { namespace: ['cluster'] };

describe('a transport that uses only what the library exports', () => {
  let broker = new Broker();
  let count = 0;
  const cases = raftTransportConformance(async () => {
    const address = `node.${++count}`;
    return { transport: new BrokerTransport(broker, address), address };
  });
  for (const { name, run } of cases)
    test(name, async () => {
      broker = new Broker();
      await run();
    });
});

describe('the option `transport`', () => {
  const broker = () => {
    const shared = new Broker();
    return (address: string) => new BrokerTransport(shared, address);
  };
  const network = () => {
    const shared = new InProcessNetwork();
    return (address: string) => shared.transport(address);
  };

  test.each([
    ['a broker', broker],
    ['the network in one process', network],
  ])('connects the folders of a cluster over %s, and nothing else', async (_, makeNetwork) => {
    const make = makeNetwork();
    const folder = await temporaryFolder();
    const open = (name: string, start: Partial<ClusterOptions>) => {
      const cluster = { transport: () => make(name), advertise: name, ...start };
      return opened(MemoryStore.open(join(folder, name), { access: openToAll, cluster }));
    };
    const one = await open('first node', { bootstrap: true });
    await one.admin.remember('one', place);
    const two = await open('second node', { join: ['first node'] });
    await settledRoles(one, 'voter', 'voter');
    await two.admin.remember('two', place);
    expect(await one.admin.count({ consistency: 'linearizable' })).toBe(2);
    const { members } = await two.cluster.status();
    expect(members.map(({ address, state }) => `${address}: ${state}`).sort()).toEqual([
      'first node: running',
      'second node: running',
    ]);
    await two.close();
    const again = await open('second node', {});
    await again.admin.remember('three', place);
    expect(await one.admin.count({ consistency: 'linearizable' })).toBe(3);
  });

  test('refuses what is no transport', async () => {
    const folder = await temporaryFolder();
    const cluster = { advertise: 'a', bootstrap: true, transport: () => ({ start: 1 }) as unknown as RaftTransport };
    const refused = await refusal(() => MemoryStore.open(folder, { cluster }));
    expect(refused).toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/lacks the methods start, setMembers, send, sendSnapshot, request, close/),
    });
  });

  test('decodes no bytes but those of a message', async () => {
    expect(await refusal(async () => decodePeerMessage(Uint8Array.of(1, 2, 3)))).toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

async function opened(opening: Promise<MemoryStore>): Promise<MemoryStore> {
  const store = await opening;
  onTestFinished(() => store.close());
  return store;
}
