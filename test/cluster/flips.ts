import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { allow, type ClusterOptions, type MemoryError, MemoryStore } from 'multi-agent-memory';
import { InProcessNetwork } from 'multi-agent-memory/testing';
import { Random } from '../faults/random';
import { differenceOf, everything, type Shown } from '../faults/shown';

export interface FlipsOptions {
  /** An empty folder. */
  readonly folder: string;
  readonly flips: number;
  readonly seed: number;
}

export interface FlipsReport {
  /** How often a bit was flipped in each kind of file. */
  readonly files: ReadonlyMap<string, number>;
  /** How often the node opened, and how often it refused to. */
  readonly opened: number;
  readonly refused: number;
  /** Wrong results that nothing reported, each with the place of the bit. */
  readonly problems: readonly string[];
}

const namespace = ['flips'];
// Scores depend on the time.
const clock = { now: () => Date.UTC(2026, 0, 1) };
const access = [allow('everyone', 'curator', namespace)];
/** A snapshot that no node takes is sent again and again. */
const maxJoinMs = 4_000;

/**
 * Flips bits in all files of a node: the databases, the log, the state of the consensus, and the snapshots with their descriptions. The node
 * then opens with the right memories, or reports the damage. If a snapshot is damaged, a node that joins gets the right memories or none.
 */
export async function runFlips({ folder, flips, seed }: FlipsOptions): Promise<FlipsReport> {
  const random = new Random(seed);
  const intact = join(folder, 'intact');
  const { ids, expected } = await makeNode(intact, join(folder, 'made'), random.chance(0.5));
  const paths = readdirSync(intact, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(intact, join(parentPath, name)))
    .filter((path) => readFileSync(join(intact, path)).some((byte) => byte !== 0));
  const files = new Map<string, number>();
  const problems: string[] = [];
  let refused = 0;
  for (let count = 0; count < flips; count++) {
    const path = random.pick(paths);
    const kind = kindOf(path);
    files.set(kind, (files.get(kind) ?? 0) + 1);
    const damaged = join(folder, `damaged-${count}`);
    cpSync(intact, damaged, { recursive: true });
    const place = flip(join(damaged, path), random);
    const network = new InProcessNetwork();
    let isOpen = false;
    const open = async () => {
      const store = await openNode(network, damaged, 'one', {});
      isOpen = true;
      return store;
    };
    const joined = kind.startsWith('snapshot') ? join(folder, `joined-${count}`) : undefined;
    const problem =
      (await differenceOf(open, ids, expected)) ??
      (joined && isOpen ? await joinProblem(damaged, joined, ids, expected) : undefined);
    if (!isOpen) refused++;
    if (problem !== undefined) problems.push(`${path}, byte ${place}: ${problem}`);
    for (const each of [damaged, joined]) if (each) rmSync(each, { recursive: true, force: true });
  }
  return { files, opened: flips - refused, refused, problems };
}

function openNode(
  network: InProcessNetwork,
  folder: string,
  name: string,
  start: Partial<ClusterOptions>,
  signal?: AbortSignal,
) {
  const transport = () => network.transport(name);
  const cluster = { transport, advertise: name, waitMs: 2_000, ...start };
  return MemoryStore.open(folder, { access, clock, cluster, ...(signal && { signal }) });
}

/** Makes the folder of a node with memories, a log and two snapshots, as it is while it runs or after it was closed. */
async function makeNode(intact: string, made: string, isRunning: boolean) {
  const start = { bootstrap: true, snapshotEveryMs: 1_000 };
  const store = await openNode(new InProcessNetwork(), made, 'one', start);
  const { admin } = store;
  const write = async (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      const { id } = await admin.remember(`Customer ${n} asked for a refund.`, { namespace, key: `key-${n}` });
      if (n % 3 === 0) await admin.update(id, { text: `Customer ${n} got the refund.`, metadata: { order: n } });
      if (n % 5 === 4) await admin.forget(id);
    }
  };
  await write(0, 8);
  const snapshots = () => readdirSync(join(made, 'raft/snapshots')).filter((name) => name.endsWith('.db'));
  while (snapshots().length < 2) await pause(50);
  await write(8, 14);
  const ids = (await admin.list({ namespace })).items.map(({ id }) => id);
  const expected = await everything(store, ids);
  if (isRunning) cpSync(made, intact, { recursive: true });
  await store.close();
  if (!isRunning) cpSync(made, intact, { recursive: true });
  return { ids, expected };
}

/** Flips a bit of a byte that is not zero: most of a file is empty, where a bit has no effect. Returns the place. */
function flip(path: string, random: Random): number {
  const bytes = readFileSync(path);
  let place = random.whole(0, bytes.length - 1);
  while (bytes[place] === 0) place = random.whole(0, bytes.length - 1);
  bytes[place] = (bytes[place] as number) ^ (1 << random.whole(0, 7));
  writeFileSync(path, bytes);
  return place;
}

/** Lets another node join the damaged one, from which it gets a snapshot. */
async function joinProblem(
  damaged: string,
  folder: string,
  ids: readonly string[],
  expected: Shown,
): Promise<string | undefined> {
  const network = new InProcessNetwork();
  const one = await openNode(network, damaged, 'one', {}).catch((error: MemoryError) => error);
  if (!(one instanceof MemoryStore)) return undefined;
  try {
    const start = { join: ['one'], role: 'learner' } as const;
    const signal = AbortSignal.timeout(maxJoinMs);
    const two = await openNode(network, folder, 'two', start, signal).catch((error: unknown) => error);
    if (!(two instanceof MemoryStore)) return undefined;
    const problem = await differenceOf(async () => two, ids, expected);
    return problem && `on a node that has joined: ${problem}`;
  } finally {
    await one.close();
  }
}

function kindOf(path: string): string {
  if (path.endsWith('.snapshot')) return 'snapshot description';
  if (path.startsWith('raft/snapshots')) return 'snapshot';
  if (path.startsWith('raft')) return 'log and state of the consensus';
  return path.startsWith('audit') ? 'audit' : 'database';
}
