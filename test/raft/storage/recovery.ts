import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { crc32c } from '../../../src/domain/crc32c';
import { MemoryError } from '../../../src/domain/errors';
import type { Entry } from '../../../src/raft/core/entry';
import type { HardState, Snapshot } from '../../../src/raft/core/messages';
import { MemoryStorage } from '../../../src/raft/storage/memory-storage';
import type { SegmentStorageOptions } from '../../../src/raft/storage/node-files';
import type { RaftStorage } from '../../../src/raft/storage/raft-storage';
import { bodyOf } from '../../../src/raft/storage/record-codec';
import { SegmentStorage } from '../../../src/raft/storage/segment-storage';
import { Random } from '../../faults/random';
import { callStorage, modelOf, RandomWorks, type StorageCall } from './random-works';
import { SimulatedDisk } from './simulated-disk';

/** What a storage holds, in short. */
interface Holding {
  readonly log: string;
  readonly hardState: HardState;
}

export const folder = '/node';

/** Opens a node on a simulated disk. */
export function openOn(calls: SimulatedDisk, options: Partial<SegmentStorageOptions> = {}): Promise<SegmentStorage> {
  return SegmentStorage.open({ folder, randomBytes, segmentBytes: 2 ** 12, cacheBytes: 1_000, calls, ...options });
}

/** Log and snapshot in short. */
export function logOf(storage: RaftStorage): string {
  const [first, last] = [storage.firstIndex(), storage.lastIndex()];
  const entries = storage.entries(first, last + 1, Number.POSITIVE_INFINITY) ?? [];
  const held = entries.map(shortEntry);
  return [`purged ${first - 1}.${storage.term(first - 1)}`, `snapshot ${snapshotOf(storage)}`, ...held].join(' ');
}

// The model holds the same objects for long, and a checksum of all of them for each call would take most of the time.
const shortEntries = new WeakMap<Entry, string>();

function shortEntry(entry: Entry): string {
  const known = shortEntries.get(entry);
  if (known !== undefined) return known;
  const short = `${entry.index}.${entry.term}:${entry.kind}:${crc32c(bodyOf(entry)).toString(36)}`;
  shortEntries.set(entry, short);
  return short;
}

/** The snapshot in short. */
export function snapshotOf(storage: RaftStorage): string | undefined {
  const snapshot = storage.snapshot();
  return snapshot && `${snapshot.index}.${snapshot.term}:${crc32c(snapshot.data)}`;
}

/** Follows what a storage may hold while calls are under way: each call is done in parts, and a crash may come between them. */
export class Holdings {
  #model: MemoryStorage;
  readonly #all: Holding[] = [];
  /** Where the holdings of each call end. */
  readonly #ends: number[] = [];

  constructor(model: MemoryStorage) {
    this.#model = model;
    this.#add();
  }

  follow(call: StorageCall): void {
    const model = this.#model;
    if (call.kind === 'store') {
      const { hardState, snapshot, entries } = call.work;
      const { commit } = model.initialState().hardState;
      if (hardState !== undefined) this.#add(() => model.setHardState({ ...hardState, commit }));
      if (snapshot !== undefined && model.term(snapshot.index) === snapshot.term)
        this.#add(() => model.saveSnapshot(snapshot));
      if (snapshot !== undefined) this.#add(() => this.#install(snapshot));
      for (const entry of entries) this.#add(() => this.#model.append([entry]));
      if (hardState !== undefined) this.#add(() => this.#model.setHardState(hardState));
    } else this.#add(() => void callStorage(model, call));
    this.#ends.push(this.#all.length);
  }

  /**
   * Asserts that a storage holds what it may after a crash: everything of the calls that were done, and of the others all parts up to some
   * point. A vote may be ahead of the log.
   */
  assertHeld(storage: RaftStorage, done: readonly boolean[]): void {
    const firstOpen = done.indexOf(false);
    const calls = firstOpen < 0 ? done.length : firstOpen;
    const lastDone = done.lastIndexOf(true) + 1;
    const from = (count: number) => (count === 0 ? 0 : (this.#ends[count - 1] as number) - 1);
    const logs = this.#all.slice(from(calls)).map(({ log }) => log);
    assert.ok(
      logs.includes(logOf(storage)),
      `The log is none of those that are possible.\n${logOf(storage)}\n\n${logs.join('\n')}`,
    );
    const { hardState } = storage.initialState();
    const votes = this.#all.slice(from(lastDone)).map((each) => `${each.hardState.term}/${each.hardState.vote}`);
    assert.ok(
      votes.includes(`${hardState.term}/${hardState.vote}`),
      `The vote ${hardState.term}/${hardState.vote} is not among ${votes}.`,
    );
    assert.ok(
      hardState.commit <= Math.max(storage.lastIndex(), storage.snapshot()?.index ?? 0),
      'The commit index is behind the log.',
    );
  }

  /** The storage may describe the snapshot before it drops the log, so `saveSnapshot` of the model came before. */
  #install(snapshot: Snapshot): void {
    const { hardState } = this.#model.initialState();
    this.#model = new MemoryStorage(snapshot);
    this.#model.setHardState(hardState);
  }

  #add(change: () => void = () => undefined): void {
    change();
    this.#all.push({ log: logOf(this.#model), hardState: this.#model.initialState().hardState });
  }
}

/** Runs a node on a disk whose power is cut, or whose process is killed, again and again. */
export async function runCuts(seed: number, cuts: number): Promise<void> {
  const random = new Random(seed, 7);
  let disk = new SimulatedDisk();
  // The creation itself may be cut.
  if (random.chance(0.5)) {
    await openOn(withCutAfter(disk, random.whole(1, 12))).catch(() => undefined);
    disk = disk.cutPower(random);
  }
  let storage = await openOn(slowed(disk, random));
  for (let cut = 0; cut < cuts; cut++) {
    const run = new Run(storage, seed * 1_000 + cut);
    await run.make(random.whole(0, 40), random);
    disk = random.chance(0.7) ? disk.cutPower(random) : disk.kill();
    const { identity } = storage;
    const done = run.doneNow();
    storage = await openOn(slowed(disk, random));
    assert.deepEqual(storage.identity, { ...identity, start: identity.start + 1 });
    run.holdings.assertHeld(storage, done);
    // Restarts without a call in between change nothing, also if they are cut short.
    while (random.chance(0.3)) {
      const found = { log: logOf(storage), hardState: storage.initialState().hardState };
      disk = random.chance(0.5) ? disk.cutPower(random) : disk.kill();
      if (random.chance(0.5)) {
        await openOn(withCutAfter(disk, random.whole(0, 6))).catch(() => undefined);
        disk = random.chance(0.5) ? disk.cutPower(random) : disk.kill();
      }
      storage = await openOn(slowed(disk, random));
      assert.equal(logOf(storage), found.log);
      assert.deepEqual(storage.initialState().hardState, found.hardState);
    }
  }
  await storage.close();
}

/** As `runCuts`, on a disk that is full at times. A call that finds no room is made again when there is room. */
export async function runFullDisks(seed: number, cuts: number): Promise<void> {
  const random = new Random(seed, 8);
  let disk = new SimulatedDisk();
  let storage = await openOn(slowed(disk, random));
  for (let cut = 0; cut < cuts; cut++) {
    disk.copiesOnWrite = random.chance(0.5);
    const run = new Run(storage, seed * 1_000 + cut);
    await run.makeOnFullDisk(random.whole(0, 40), random, disk);
    disk = random.chance(0.7) ? disk.cutPower(random) : disk.kill();
    const done = run.doneNow();
    // A node starts on a full disk.
    disk.capacity = disk.used;
    storage = await openOn(slowed(disk, random));
    disk.capacity = Number.POSITIVE_INFINITY;
    run.holdings.assertHeld(storage, done);
  }
  await storage.close();
}

/** Calls of a node on its storage, from a start to a crash. */
class Run {
  readonly holdings: Holdings;
  readonly #storage: RaftStorage;
  readonly #works: RandomWorks;
  readonly #done: boolean[] = [];

  constructor(storage: RaftStorage, seed: number) {
    this.#storage = storage;
    this.#works = new RandomWorks(seed, modelOf(storage));
    this.holdings = new Holdings(modelOf(storage));
  }

  /** Makes calls, waits for some of them, and returns while others are under way. */
  async make(count: number, random: Random): Promise<void> {
    const waited = count - random.whole(0, 10);
    for (let made = 0; made < count; made++) {
      const call = this.#works.next();
      this.holdings.follow(call);
      const at = this.#done.push(false) - 1;
      const stored = Promise.resolve(callStorage(this.#storage, call)).then(
        () => {
          this.#done[at] = true;
        },
        () => undefined,
      );
      if (made < waited && random.chance(0.5)) await stored;
    }
    for (let turns = random.pick([0, 0, 0, 1, 2, 3, 5, 8, 21]); turns > 0; turns--)
      await new Promise((resolve) => void setImmediate(resolve));
  }

  /** Makes calls one after the other. Some find a full disk, and the crash comes before some of these are made again. */
  async makeOnFullDisk(count: number, random: Random, disk: SimulatedDisk): Promise<void> {
    for (let made = 0; made < count; made++) {
      const call = this.#works.next();
      this.holdings.follow(call);
      const at = this.#done.push(false) - 1;
      if (random.chance(0.3)) disk.capacity = disk.used + 4_096 * random.whole(0, 2);
      try {
        await callStorage(this.#storage, call);
      } catch (error) {
        assert.ok(MemoryError.is(error) && error.code === 'DISK_FULL', String(error));
        if (random.chance(0.1)) return;
        disk.capacity = Number.POSITIVE_INFINITY;
        await callStorage(this.#storage, call);
      }
      this.#done[at] = true;
    }
  }

  /** Which calls are done. */
  doneNow(): readonly boolean[] {
    return [...this.#done];
  }
}

/** A disk whose syncs take from none to some turns of the event loop, in any order. */
function slowed(disk: SimulatedDisk, random: Random): SimulatedDisk {
  disk.onSync = (_path, done) => {
    let turns = random.whole(0, 3);
    const wait = () => {
      if (turns-- > 0) setImmediate(wait);
      else done();
    };
    setImmediate(wait);
  };
  return disk;
}

/** A disk whose power is cut after some writes. */
function withCutAfter(disk: SimulatedDisk, writes: number): SimulatedDisk {
  let left = writes;
  disk.onWrite = () => {
    if (left-- <= 0) throw Object.assign(new Error('no power'), { code: 'EIO' });
  };
  return disk;
}
