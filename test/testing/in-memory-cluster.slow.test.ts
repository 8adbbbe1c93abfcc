import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { MemoryStore } from '../../src/index';
import { StateStore } from '../../src/state/state-store';
import { access, agent, codeOf, digestsOf, opened, textsOn } from './tested-cluster';

describe('inMemoryCluster', () => {
  test('starts a node again that has crashed, with what it had and what it has missed', async () => {
    const cluster = await opened();
    await agent(cluster, 0).remember('one');
    for (const node of [0, 1, 2]) {
      const before = agent(cluster, node);
      await cluster.crash(node);
      expect(await codeOf(before.list())).toBe('STORE_CLOSED');
      await agent(cluster, (node + 1) % 3).remember(`without ${node}`);
      const again = await cluster.restart(node);
      expect(again).toBe(cluster.nodes[node]);
      await agent(cluster, node).remember(`again ${node}`);
    }
    await cluster.settle();
    const texts = await textsOn(cluster, 0);
    expect(texts).toHaveLength(7);
    for (const node of [1, 2]) expect(await textsOn(cluster, node)).toEqual(texts);
    expect(new Set(await digestsOf(cluster)).size).toBe(1);
  });

  test('opens a node that finds no other, and shows the host what is there', async () => {
    const cluster = await opened();
    await agent(cluster, 0).remember('kept');
    await cluster.settle();
    for (const node of [0, 1, 2]) await cluster.crash(node);
    await cluster.restart(1);
    expect(await textsOn(cluster, 1)).toEqual(['kept']);
    expect(await codeOf(agent(cluster, 1).list())).toBe('NO_QUORUM');
    expect(await codeOf(agent(cluster, 1).remember('more'))).toBe('NO_QUORUM');
    expect(await codeOf(agent(cluster, 1).list({ consistency: 'local' }))).toBe('FORBIDDEN');
    await cluster.restart(2);
    await agent(cluster, 1).remember('more');
    expect(await textsOn(cluster, 1)).toEqual(['kept', 'more']);
  });

  test('stops a node whose state differs from that of the others, and goes on without it', async () => {
    const cluster = await opened();
    const applyEntry = StateStore.prototype.applyEntry;
    const seen: StateStore[] = [];
    const spy = vi.spyOn(StateStore.prototype, 'applyEntry').mockImplementation(function (this: StateStore, entry) {
      if (!seen.includes(this)) seen.push(this);
      // What one of them has applied is changed behind its back.
      if (seen[2] === this) this.database.exec("update log_position set digest = 'x' || digest");
      return applyEntry.call(this, entry);
    });
    onTestFinished(() => spy.mockRestore());
    const reasons: string[] = [];
    for (const node of cluster.nodes) node.on('degraded', ({ error }) => reasons.push(error.code));
    await agent(cluster, 0).remember('one');
    await cluster.settle();
    spy.mockRestore();
    const compared = await (cluster.nodes[0] as MemoryStore).cluster.compare();
    const different = compared.members.filter(({ state }) => state === 'different').map(({ id }) => id - 1);
    expect(different).toHaveLength(1);
    await cluster.advance(120_000);
    expect(reasons).toEqual(['STATE_DIVERGED']);
    const [stopped] = different as [number];
    expect(await codeOf(agent(cluster, stopped).remember('two'))).toBe('STATE_DIVERGED');
    expect(await codeOf(agent(cluster, stopped).list())).toBe('STATE_DIVERGED');
    expect(await textsOn(cluster, stopped)).toEqual(['one']);
    for (const node of [0, 1, 2].filter((each) => each !== stopped)) await agent(cluster, node).remember(`by ${node}`);
  });

  test('has the same course with the same seed', async () => {
    const course = async (seed: number) => {
      const cluster = await opened({ access, seed });
      const leaders: (number | undefined)[] = [];
      for (let round = 0; round < 2; round++) {
        const leader = cluster.leader() as number;
        leaders.push(leader);
        await cluster.crash(leader);
        await cluster.settle();
        await cluster.restart(leader);
      }
      return leaders.join();
    };
    expect(await course(7)).toBe(await course(7));
    const courses = await Promise.all([1, 2, 3].map(course));
    expect(new Set(courses).size).toBeGreaterThan(1);
  });
});
