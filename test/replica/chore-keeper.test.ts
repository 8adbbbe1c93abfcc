import { expect, test } from 'vitest';
import type { Lease, LeaseRequest } from '../../src/domain/lease';
import { ChoreKeeper } from '../../src/replica/chore-keeper';
import { LeaseClaim } from '../../src/replica/lease-claim';
import { LongChore } from '../../src/replica/long-chore';
import { applyLease } from '../../src/state/apply/apply-lease';
import { leaseOf } from '../../src/state/tables/leases';
import { VirtualTime } from '../../src/testing/virtual-time';
import { emptyState } from '../state/test-state';

const chore = 'spaces';
const stamp = { at: 0, by: { party: 'root' }, scope: {}, seed: new Uint8Array(16) } as never;

/** Some nodes that share the state with the lease. */
class Nodes {
  readonly time = new VirtualTime();
  readonly meta = emptyState().state.meta;
  readonly keepers: ChoreKeeper[];
  readonly runs: number[];
  isDue = false;
  asked = 0;

  /** @param choreOf The chore of a node. Default: one that takes no time. */
  constructor(count: number, choreOf?: (node: number) => LongChore) {
    this.runs = Array.from({ length: count }, () => 0);
    const chores = this.runs.map((_, node) => choreOf?.(node));
    this.keepers = this.runs.map(
      (_, node) =>
        new ChoreKeeper({
          claim: new LeaseClaim({
            holder: `node ${node}`,
            durationMs: 10_000,
            elapsedMs: () => this.time.elapsedMs(),
          }),
          schedule: this.time.schedule,
          lease: (): Lease | undefined => leaseOf(this.meta, chore),
          ask: async (request: LeaseRequest) => {
            this.asked++;
            applyLease(this.meta, { type: 'lease', chore, ...request }, stamp);
            for (const keeper of this.keepers) keeper.applied();
          },
          isDue: () => this.isDue && (chores[node]?.isDue ?? true),
          run: () => {
            chores[node]?.start();
            this.runs[node] = (this.runs[node] as number) + 1;
          },
        }),
    );
  }

  /** The nodes that have done something since the last call. */
  workers(): number[] {
    const worked = this.runs.flatMap((count, node) => (count > 0 ? [node] : []));
    this.runs.fill(0);
    return worked;
  }
}

test('one node does the chores of a cluster, another takes over when it ends, and none asks while nothing is due', async () => {
  const nodes = new Nodes(3);
  await nodes.time.advance(60_000);
  expect([nodes.asked, nodes.workers()]).toEqual([0, []]);
  nodes.isDue = true;
  await nodes.time.advance(60_000);
  const [first, ...others] = nodes.workers() as [number];
  expect(others).toEqual([]);
  expect(nodes.keepers.map(({ mayRun }) => mayRun).filter(Boolean)).toHaveLength(1);
  nodes.keepers[first]?.close();
  await nodes.time.advance(5_000);
  expect(nodes.workers()).toEqual([]);
  await nodes.time.advance(60_000);
  const [second, ...rest] = nodes.workers() as [number];
  expect(rest).toEqual([]);
  expect(second).not.toBe(first);
  nodes.isDue = false;
  const { asked } = nodes;
  await nodes.time.advance(60_000);
  expect(nodes.asked).toBe(asked);
});

test('one node alone does a chore that takes longer than the lease, and does it again if it has failed', async () => {
  let isDone = false;
  const begun: number[] = [];
  const nodes: Nodes = new Nodes(3, (node) => {
    const run = async () => {
      begun.push(node);
      await new Promise<void>((resolve) => nodes.time.schedule(45_000, resolve));
      isDone = begun.length === 4;
    };
    return new LongChore({ isNeeded: () => !isDone, run, elapsedMs: () => nodes.time.elapsedMs() });
  });
  nodes.isDue = true;
  await nodes.time.advance(40_000);
  expect(begun).toHaveLength(1);
  await nodes.time.advance(600_000);
  expect(begun).toHaveLength(4);
  const { asked } = nodes;
  await nodes.time.advance(60_000);
  expect(nodes.asked).toBe(asked);
});
