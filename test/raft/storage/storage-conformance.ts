import assert from 'node:assert/strict';
import { configurationOf, noMembers } from '../../../src/raft/core/configuration';
import { type Entry, noBytes } from '../../../src/raft/core/entry';
import { InvariantViolation } from '../../../src/raft/core/invariants';
import type { Snapshot } from '../../../src/raft/core/messages';
import { MemoryStorage } from '../../../src/raft/storage/memory-storage';
import type { RaftStorage } from '../../../src/raft/storage/raft-storage';
import type { ConformanceCase } from '../../../src/testing/conformance';
import { Random } from '../../faults/random';
import { callStorage, RandomWorks } from './random-works';

/** A storage under test, and a way to start its node again. */
export interface StorageFixture {
  readonly storage: RaftStorage;
  /** Opens the storage again. `killed`: without closing it. */
  restart(end: 'closed' | 'killed'): Promise<RaftStorage>;
}

export type StorageMaker = () => Promise<StorageFixture>;

type Check = (name: string, run: (fixture: StorageFixture) => Promise<void>) => ConformanceCase;

/** The promises of every storage of a node. */
export function raftStorageConformance(create: StorageMaker, seeds: readonly number[] = [1, 2, 3]): ConformanceCase[] {
  const check: Check = (name, run) => ({ name, run: async () => run(await create()) });
  return [...entryCases(check), ...snapshotCases(check), ...lawCases(create, seeds)];
}

export function normal(index: number, term: number, text = `entry ${index} of term ${term}`): Entry {
  return { kind: 'normal', index, term, data: new TextEncoder().encode(text) };
}

/** Asserts that two storages answer every question of the core in the same way. */
export function assertSame(storage: RaftStorage, model: MemoryStorage, random = new Random(1)): void {
  const [first, last] = [model.firstIndex(), model.lastIndex()];
  assert.deepEqual([storage.firstIndex(), storage.lastIndex()], [first, last]);
  for (let index = first - 2; index <= last + 1; index++) assert.equal(storage.term(index), model.term(index));
  assert.deepEqual(storage.snapshot(), model.snapshot());
  assert.deepEqual(storage.initialState().membership, model.initialState().membership);
  for (const maxBytes of [0, random.whole(1, 2_000), Number.POSITIVE_INFINITY]) {
    const low = last < first ? first : random.whole(first, last);
    const high = random.whole(low, last + 1);
    assert.deepEqual(storage.entries(low, high, maxBytes), model.entries(low, high, maxBytes));
  }
  const all = Number.POSITIVE_INFINITY;
  assert.deepEqual(storage.entries(first, last + 1, all), model.entries(first, last + 1, all));
  assert.equal(storage.entries(first - 1, last + 1, all), undefined);
}

function entryCases(check: Check): ConformanceCase[] {
  return [
    check('a new storage holds nothing', async ({ storage, restart }) => {
      for (const each of [storage, await restart('closed')]) {
        assertSame(each, new MemoryStorage());
        assert.deepEqual(each.initialState(), {
          hardState: { term: 0, vote: 0, commit: 0 },
          membership: { index: 0, configuration: noMembers },
        });
      }
    }),
    check('an append takes the place of all entries from its first index on, also after a restart', async (fixture) => {
      await fixture.storage.store({
        hardState: { term: 1, vote: 2, commit: 1 },
        entries: [1, 2, 3, 4].map((i) => normal(i, 1)),
      });
      await fixture.storage.store({ hardState: { term: 3, vote: 0, commit: 1 }, entries: [normal(2, 3)] });
      for (const storage of [fixture.storage, await fixture.restart('killed')]) {
        assert.deepEqual(storage.entries(1, 3, 1_000), [normal(1, 1), normal(2, 3)]);
        assert.equal(storage.lastIndex(), 2);
        assert.equal(storage.term(3), undefined);
        assert.deepEqual(storage.initialState().hardState, { term: 3, vote: 0, commit: 1 });
      }
    }),
    check('an append that would leave a gap is refused, and nothing of it is stored', async ({ storage }) => {
      await storage.store({ hardState: { term: 1, vote: 0, commit: 0 }, entries: [normal(1, 1)] });
      await assert.rejects(async () => storage.store({ entries: [normal(3, 1)] }), InvariantViolation);
      assert.equal(storage.lastIndex(), 1);
      await storage.store({ entries: [normal(2, 1)] });
      assert.equal(storage.lastIndex(), 2);
    }),
    check('works that are not waited for are stored in their order', async (fixture) => {
      const works = [
        { hardState: { term: 1, vote: 1, commit: 0 }, entries: [] },
        { entries: [normal(1, 1), normal(2, 1)] },
        { hardState: { term: 2, vote: 3, commit: 1 }, entries: [normal(2, 2)] },
        { entries: [normal(3, 2)] },
      ];
      await Promise.all(works.map((work) => fixture.storage.store(work)));
      for (const storage of [fixture.storage, await fixture.restart('killed')]) {
        assert.deepEqual(storage.entries(1, 4, 1_000), [normal(1, 1), normal(2, 2), normal(3, 2)]);
        assert.deepEqual({ ...storage.initialState().hardState, commit: 1 }, { term: 2, vote: 3, commit: 1 });
      }
    }),
    check('changes of the members come back as they were', async (fixture) => {
      const change = {
        transition: 'joint-explicit',
        changes: [
          { kind: 'add-voter', node: 2 ** 47 },
          { kind: 'remove', node: 3 },
        ],
        context: new Uint8Array([0, 255, 7]),
      } as const;
      const entries: readonly Entry[] = [
        { kind: 'configuration', index: 1, term: 1, change },
        { kind: 'configuration', index: 2, term: 1, change: { transition: 'auto', changes: [] } },
        { kind: 'normal', index: 3, term: 1, data: noBytes },
      ];
      await fixture.storage.store({ hardState: { term: 1, vote: 0, commit: 0 }, entries });
      for (const storage of [fixture.storage, await fixture.restart('closed')])
        assert.deepEqual(storage.entries(1, 4, 1_000), entries);
    }),
  ];
}

function snapshotCases(check: Check): ConformanceCase[] {
  const snapshotAt = (index: number, term: number): Snapshot => {
    return { index, term, configuration: configurationOf([1, 2, 3]), data: new Uint8Array([index]) };
  };
  return [
    check('a snapshot of the leader takes the place of the log', async (fixture) => {
      await fixture.storage.store({
        hardState: { term: 1, vote: 0, commit: 2 },
        entries: [1, 2, 3, 4].map((i) => normal(i, 1)),
      });
      await fixture.storage.store({
        snapshot: snapshotAt(3, 2),
        entries: [normal(4, 2)],
        hardState: { term: 2, vote: 0, commit: 3 },
      });
      for (const storage of [fixture.storage, await fixture.restart('killed')]) {
        assert.deepEqual([storage.firstIndex(), storage.lastIndex(), storage.term(3)], [4, 4, 2]);
        assert.deepEqual(storage.entries(4, 5, 1_000), [normal(4, 2)]);
        assert.deepEqual(storage.snapshot(), snapshotAt(3, 2));
        assert.deepEqual(storage.initialState().membership, { index: 3, configuration: configurationOf([1, 2, 3]) });
      }
    }),
    check('an older snapshot changes nothing', async ({ storage }) => {
      await storage.store({ snapshot: snapshotAt(5, 1), entries: [], hardState: { term: 1, vote: 0, commit: 5 } });
      await storage.store({ snapshot: snapshotAt(4, 1), entries: [] });
      await storage.saveSnapshot(snapshotAt(5, 1));
      assert.deepEqual([storage.snapshot()?.index, storage.firstIndex()], [5, 6]);
    }),
    check('entries that a snapshot holds are purged, and stay purged', async (fixture) => {
      await fixture.storage.store({
        hardState: { term: 1, vote: 0, commit: 4 },
        entries: [1, 2, 3, 4].map((i) => normal(i, 1)),
      });
      await fixture.storage.saveSnapshot(snapshotAt(3, 1));
      assert.equal(fixture.storage.firstIndex(), 1);
      await fixture.storage.purge(2);
      for (const storage of [fixture.storage, await fixture.restart('killed')]) {
        assert.deepEqual([storage.firstIndex(), storage.term(2), storage.term(1)], [3, 1, undefined]);
        assert.equal(storage.entries(2, 4, 1_000), undefined);
        assert.deepEqual(storage.entries(3, 5, 1_000), [normal(3, 1), normal(4, 1)]);
        await assert.rejects(async () => storage.purge(4), InvariantViolation);
      }
    }),
    check('a membership that is told belongs to the state, until a snapshot takes its place', async ({ storage }) => {
      const membership = { index: 1, configuration: configurationOf([7]) };
      storage.setMembership(membership);
      assert.deepEqual(storage.initialState().membership, membership);
      await storage.store({ snapshot: snapshotAt(5, 1), entries: [], hardState: { term: 1, vote: 0, commit: 5 } });
      assert.equal(storage.initialState().membership.index, 5);
    }),
  ];
}

/** Random works against the model in memory, with restarts. */
function lawCases(create: StorageMaker, seeds: readonly number[]): ConformanceCase[] {
  return seeds.map((seed) => ({
    name: `holds what the model holds, after random works and restarts (seed ${seed})`,
    run: async () => followModel(await create(), seed, 120),
  }));
}

/** Makes random calls on a storage and compares it with the model after each, and after restarts. */
export async function followModel(
  { storage: first, restart }: StorageFixture,
  seed: number,
  calls: number,
): Promise<void> {
  const works = new RandomWorks(seed);
  const random = new Random(seed, 1);
  let storage = first;
  const waiting: (Promise<void> | undefined)[] = [];
  for (let count = 0; count < calls; count++) {
    waiting.push(callStorage(storage, works.next()));
    if (random.chance(0.3)) continue;
    await Promise.all(waiting.splice(0));
    assertSame(storage, works.model, random);
    assert.deepEqual(storage.initialState().hardState, works.hardState);
    if (!random.chance(0.15)) continue;
    const end = random.chance(0.5) ? 'closed' : 'killed';
    storage = await restart(end);
    assertSame(storage, works.model, random);
    assert.deepEqual(storage.initialState().hardState, works.hardState);
  }
  await Promise.all(waiting);
  assertSame(storage, works.model, random);
}
