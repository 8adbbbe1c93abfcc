import assert from 'node:assert/strict';
import { MemoryError } from '../../../src/domain/errors';
import type { SegmentStorage } from '../../../src/raft/storage/segment-storage';
import { Random } from '../../faults/random';
import { callStorage, RandomWorks } from './random-works';
import { folder, logOf, openOn, snapshotOf } from './recovery';
import { SimulatedDisk } from './simulated-disk';

/** What became of nodes whose files were damaged. */
export interface DamageReport {
  /** The node started, and holds what it held before. */
  healed: number;
  /** The node did not start, or a read failed. */
  halted: number;
}

/** The codes with which a node halts. A flipped bit in a version number looks like a newer release. */
const haltCodes: readonly string[] = ['RECORD_DAMAGED', 'STORE_NEWER', 'FILE_FAILED'];

interface Example {
  readonly disk: SimulatedDisk;
  readonly held: string;
  /** All snapshots that the node ever had. If the description of the newest one is damaged, the node goes on with the one before. */
  readonly snapshots: ReadonlySet<string | undefined>;
}

/** A change of one file. Returns false if it changes nothing. */
type Damage = (bytes: Buffer) => boolean;

/** A node with several segments, a snapshot, a vote and purged entries, whose process was killed or has closed its storage. */
export async function exampleNode(seed: number, end: 'closed' | 'killed'): Promise<Example> {
  const disk = new SimulatedDisk();
  const storage = await openOn(disk);
  storage.setCluster('c'.repeat(32));
  const works = new RandomWorks(seed);
  const snapshots = new Set<string | undefined>();
  for (let count = 0; count < 60; count++) {
    await callStorage(storage, works.next());
    snapshots.add(snapshotOf(storage));
  }
  const held = describe(storage);
  if (end === 'closed') await storage.close();
  return { disk: disk.kill(), held, snapshots };
}

/** All files of a node with their sizes. */
export function filesOf({ disk }: Example): ReadonlyMap<string, number> {
  return new Map([...disk.files()].map(([path, { length }]) => [path, length]));
}

/** Damages a copy of the node, starts it, and asserts that it halts or holds what it held. */
export async function startDamaged(
  example: Example,
  path: string,
  damage: Damage,
  report: DamageReport,
): Promise<void> {
  const copy = example.disk.copy();
  if (!damage(copy.files().get(path) as Buffer)) return;
  await expectHalted(report, async () => {
    const storage = await openOn(copy);
    assertHeld(storage, example);
    await storage.close();
  });
}

/** Damages a file of a running node, reads all entries, and asserts that a read fails or returns what was stored. */
export async function readDamaged(example: Example, path: string, damage: Damage, report: DamageReport): Promise<void> {
  const copy = example.disk.copy();
  const storage = await openOn(copy);
  if (!damage(copy.files().get(path) as Buffer)) return;
  await expectHalted(report, async () => assertHeld(storage, example));
}

/** Flips one bit, at random. */
export function flip(at: number, random: Random): Damage {
  return flipOf(at, random.whole(0, 7));
}

/** Flips one bit. */
export function flipOf(at: number, bit: number): Damage {
  return (bytes) => {
    bytes[at] = (bytes[at] as number) ^ (1 << bit);
    return true;
  };
}

/** Puts zeros in the place of some bytes, as a disk does that has lost a sector. */
export function erase(from: number, length: number): Damage {
  return (bytes) => {
    const lost = bytes.subarray(from, from + length);
    if (lost.every((byte) => byte === 0)) return false;
    lost.fill(0);
    return true;
  };
}

/** Asserts that a node whose file is missing does not start, or holds what it held. */
export async function startWithout(example: Example, path: string, report: DamageReport): Promise<void> {
  const copy = example.disk.copy();
  copy.unlinkSync(path);
  await expectHalted(report, async () => assertHeld(await openOn(copy), example));
}

async function expectHalted(report: DamageReport, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    report.healed++;
  } catch (error) {
    if (!MemoryError.is(error)) throw error;
    assert.ok(haltCodes.includes(error.code), `${error.code}: ${error.message}`);
    assert.ok(error.message.includes(folder), `The message does not name the file: ${error.message}`);
    report.halted++;
  }
}

function assertHeld(storage: SegmentStorage, { held, snapshots }: Example): void {
  assert.equal(describe(storage), held);
  assert.ok(snapshots.has(snapshotOf(storage)), 'The snapshot is none that was stored.');
  assert.ok((storage.snapshot()?.index ?? 0) >= storage.firstIndex() - 1, 'No snapshot holds what is purged.');
}

/** Everything but the snapshot. */
function describe(storage: SegmentStorage): string {
  const { hardState } = storage.initialState();
  const { cluster, node } = storage.identity;
  const log = logOf(storage).replace(/snapshot \S+/, '');
  return JSON.stringify({ log, hardState, cluster, node });
}

/** Damages nodes in many ways, and asserts that each halts or holds what it held. */
export async function findDamage(seed: number, flips: number): Promise<DamageReport> {
  const random = new Random(seed);
  const report = { healed: 0, halted: 0 };
  const example = await exampleNode(seed, random.pick(['closed', 'killed']));
  const files = [...filesOf(example)];
  // A sector, and both copies of a slot of the hard state.
  for (const [path, size] of files)
    for (const length of [512, 8192])
      for (let from = 0; from < size; from += length) await startDamaged(example, path, erase(from, length), report);
  for (let count = 0; count < flips; count++) {
    const [path, size] = random.pick(files);
    const at = random.whole(0, size - 1);
    // What matters most is at the start of a page.
    const hit = random.chance(0.5) ? at - (at % 4096) + (at % 128) : at;
    await startDamaged(example, path, flip(Math.min(hit, size - 1), random), report);
  }
  return report;
}
