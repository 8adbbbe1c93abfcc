import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { MemoryStore } from '../../src/index';
import { inMemoryCluster } from '../../src/testing/in-memory-cluster';
import { access, agent, codeOf, digestsOf, namespace, opened, textsOn } from './tested-cluster';

describe('inMemoryCluster', () => {
  test('gives every node what one has written', async () => {
    const cluster = await opened();
    expect(cluster.nodes).toHaveLength(3);
    for (const node of cluster.nodes) expect(node).toBeInstanceOf(MemoryStore);
    const { id } = await agent(cluster, 0).remember('The customer wants the refund on the card.');
    expect((await agent(cluster, 0).get(id))?.text).toContain('refund');
    await cluster.settle();
    for (const node of [1, 2]) {
      const [hit] = await agent(cluster, node).recall('how does the customer want to be paid back?');
      expect(hit?.id).toBe(id);
    }
    const position = await cluster.nodes[0]?.position();
    expect(position).toBeTypeOf('string');
    expect(await agent(cluster, 2).get(id, { consistency: { after: position as string } })).toBeDefined();
    expect(await agent(cluster, 1).get(id, { consistency: 'linearizable' })).toBeDefined();
  });

  test('refuses writes and reads in a minority, goes on in the majority, and agrees after `heal`', async () => {
    const cluster = await opened();
    await agent(cluster, 0).remember('before');
    await cluster.settle();
    for (const minority of [[2], [cluster.leader() as number]]) {
      const [cut] = minority as [number];
      const others = [0, 1, 2].filter((node) => node !== cut);
      cluster.partition(minority);
      await cluster.advance(10_000);
      expect(await codeOf(agent(cluster, cut).remember('lost'))).toBe('NO_QUORUM');
      expect(await codeOf(agent(cluster, cut).list())).toBe('NO_QUORUM');
      expect(await textsOn(cluster, cut)).toContain('before');
      for (const node of others) await agent(cluster, node).remember(`kept by ${node} without ${cut}`);
      cluster.heal();
      await cluster.settle();
      expect(await textsOn(cluster, cut)).toEqual(await textsOn(cluster, others[0] as number));
    }
    expect(await textsOn(cluster, 0)).toHaveLength(5);
    expect(new Set(await digestsOf(cluster)).size).toBe(1);
  });

  test('delivers no change to a watch in a minority, which may not know the rules that have ended', async () => {
    const cluster = await opened();
    await agent(cluster, 0).remember('before');
    await cluster.settle();
    const cut = [0, 1, 2].find((node) => node !== cluster.leader()) as number;
    cluster.partition([cut]);
    await cluster.advance(10_000);
    const watched = agent(cluster, cut).watch({ since: 'start' })[Symbol.asyncIterator]();
    expect(await codeOf(watched.next())).toBe('NO_QUORUM');
    const ended = agent(cluster, cut).watch({ since: 'start' })[Symbol.asyncIterator]();
    const next = ended.next();
    await ended.return?.();
    expect(await next).toMatchObject({ done: true });
    cluster.heal();
    await cluster.settle();
    const again = agent(cluster, cut).watch({ since: 'start' })[Symbol.asyncIterator]();
    expect((await again.next()).value).toMatchObject({ memory: { text: 'before' } });
    await again.return?.();
  });

  test('says that the outcome of a write is unknown if it left a node that lost its majority meanwhile', async () => {
    const cluster = await opened();
    const leader = cluster.leader() as number;
    cluster.partition([leader]);
    expect(await codeOf(agent(cluster, leader).remember('in doubt'))).toBe('OUTCOME_UNKNOWN');
    cluster.heal();
    await cluster.settle();
    expect(new Set(await digestsOf(cluster)).size).toBe(1);
  });

  test('starts all nodes again after all have crashed', async () => {
    const cluster = await opened();
    await agent(cluster, 1).remember('kept');
    for (const node of [0, 1, 2]) await cluster.crash(node);
    expect(cluster.leader()).toBeUndefined();
    await Promise.all([0, 1, 2].map((node) => cluster.restart(node)));
    await agent(cluster, 2).remember('and more');
    await cluster.settle();
    for (const node of [0, 1, 2]) expect(await textsOn(cluster, node)).toEqual(['kept', 'and more']);
  });

  test('takes a node out, and stops it', async () => {
    const cluster = await opened();
    const removed = [0, 1, 2].find((node) => node !== cluster.leader()) as number;
    const [stays] = [0, 1, 2].filter((node) => node !== removed) as [number];
    await (cluster.nodes[stays] as MemoryStore).cluster.remove(removed + 1);
    await cluster.settle();
    await agent(cluster, stays).remember('without it');
    const { members } = await (cluster.nodes[stays] as MemoryStore).cluster.status();
    expect(members).toHaveLength(2);
    expect(await codeOf(agent(cluster, removed).remember('refused'))).not.toBe('done');
    expect(await textsOn(cluster, stays)).toEqual(['without it']);
  });

  test('changes on each node what another has just acknowledged', async () => {
    const cluster = await opened();
    for (const [at, node] of [1, 2, 0].entries()) {
      const { id } = await agent(cluster, at).remember(`first text ${at}`);
      const changed = await (cluster.nodes[node] as MemoryStore).admin.update(id, { text: 'second text' });
      expect(changed.revision).toBe(2);
    }
    const { admin } = cluster.nodes[0] as MemoryStore;
    await admin.access.allow({ agentId: 'agent-2' }, 'writer', ['elsewhere']);
    const elsewhere = (cluster.nodes[2] as MemoryStore).as({ agentId: 'agent-2' }, { namespace: ['elsewhere'] });
    expect((await elsewhere.remember('allowed a moment ago')).revision).toBe(1);
  });

  test('binds all nodes by a rule that was declared on one, and frees none before all know', async () => {
    const cluster = await opened();
    const { id } = await agent(cluster, 0).remember('secret');
    await cluster.settle();
    const admin = (cluster.nodes[1] as MemoryStore).admin;
    const rule = await admin.access.deny({ agentId: 'agent-2' }, ['read'], namespace);
    for (const node of [0, 1]) expect(await agent(cluster, node).get(id)).toBeDefined();
    expect(await agent(cluster, 2).get(id)).toBeUndefined();
    await admin.access.end(rule.id);
    await cluster.settle();
    expect(await agent(cluster, 2).get(id)).toBeDefined();
  });

  test('forgets on all nodes what one forgets, and answers a repeated write once', async () => {
    const cluster = await opened();
    const { id } = await agent(cluster, 0).remember('to be forgotten');
    const options = { idempotencyKey: 'once' };
    const first = await agent(cluster, 0).remember('written once', options);
    await cluster.settle();
    await (cluster.nodes[2] as MemoryStore).admin.forget(id);
    await cluster.settle();
    for (const node of [0, 1, 2]) expect(await agent(cluster, node).get(id)).toBeUndefined();
    const second = await (cluster.nodes[1] as MemoryStore)
      .as({ agentId: 'agent-0' }, { namespace })
      .remember('written once', options);
    expect(second.id).toBe(first.id);
    expect(await textsOn(cluster, 1)).toEqual(['written once']);
  });

  test('answers how the members are, compares their states, and moves the leadership', async () => {
    const cluster = await opened();
    const [one] = cluster.nodes as [MemoryStore];
    const other = [0, 1, 2].find((node) => node !== cluster.leader()) as number;
    await one.cluster.transfer(other + 1);
    expect(cluster.leader()).toBe(other);
    await cluster.settle();
    const status = await (cluster.nodes[2] as MemoryStore).cluster.status();
    expect(status).toMatchObject({ id: 3, leader: other + 1 });
    expect(status.members).toHaveLength(3);
    for (const member of status.members) expect(member).toMatchObject({ state: 'running', behind: 0, role: 'voter' });
    cluster.partition([1]);
    const { members } = await one.cluster.compare();
    expect(members.map(({ state }) => state)).toEqual(['equal', 'unknown', 'equal']);
  });

  test('tells a watch on each node of the writes on the others', async () => {
    const cluster = await opened();
    const watches = [0, 1, 2].map((node) => agent(cluster, node).watch({ since: 'start' })[Symbol.asyncIterator]());
    const changes = watches.map((watch) => watch.next());
    await agent(cluster, 1).remember('seen by all');
    await cluster.settle();
    for (const each of changes) expect((await each).value?.memory?.text).toBe('seen by all');
    for (const watch of watches) await watch.return?.();
  });

  test('works under fake timers, and does not use the time of the machine', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const cluster = await opened();
    await agent(cluster, 0).remember('one');
    const cut = [0, 1, 2].find((node) => node !== cluster.leader()) as number;
    cluster.partition([cut]);
    await cluster.advance(10_000);
    expect(await codeOf(agent(cluster, cut).remember('two'))).toBe('NO_QUORUM');
  });

  test('works with one node, and refuses options that make no sense', async () => {
    const alone = await opened({ access, nodes: 1 });
    await agent(alone, 0).remember('one');
    expect(await textsOn(alone, 0)).toEqual(['one']);
    await expect(inMemoryCluster({ nodes: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(inMemoryCluster({ serve: true } as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(inMemoryCluster(new Map() as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(alone.restart(0)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(alone.crash(1)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
