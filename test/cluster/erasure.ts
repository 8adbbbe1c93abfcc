import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { allow, MemoryStore } from 'multi-agent-memory';
import { InProcessNetwork } from 'multi-agent-memory/testing';
import { Random } from '../faults/random';

export interface ErasureOptions {
  /** The parent of the folders of the nodes. */
  readonly folder: string;
  /** How many texts are written and forgotten. */
  readonly canaries: number;
  readonly seed: number;
  /** How long the files of a node may hold a forgotten text is twice this time, and what its checks take. */
  readonly snapshotEveryMs: number;
}

export interface ErasureReport {
  /** Kinds of files that held a text before it was forgotten. */
  readonly held: readonly string[];
  /** When each node had lost all texts but a few copies, in milliseconds after the last `forget` was acknowledged. */
  readonly erasedMs: readonly number[];
  /** How many texts had left a copy in an unused part of a database or of a snapshot, on the node that had most, before the purge. */
  readonly copies: number;
  /** Files that still held a text after the time that is promised, after a purge, and after the stores were closed. */
  readonly problems: readonly string[];
}

// Nothing else contains it, and no word is completed to it.
const mark = 'zqcanary';
const markOf = (n: number) => `${mark}${n}x`;
const marks = new RegExp(`${mark}\\d+x`, 'g');
// SQLite leaves some when it divides pages. If there are many, something else is wrong.
const maxShareOfCopies = 1 / 20;
const names = ['one', 'two', 'three'];
const namespace = ['erasure'];
// A node that has a full processor to wait for makes its snapshots late.
const slackMs = 20_000;

/**
 * Writes texts on three nodes, waits until their snapshots hold them, forgets them on any node, and looks for them in all bytes of all
 * files of all nodes. First all but a few must be gone. What SQLite has left in unused parts of pages goes with a purge of each node.
 */
export async function runErasure(options: ErasureOptions): Promise<ErasureReport> {
  const { folder, canaries, seed, snapshotEveryMs } = options;
  const random = new Random(seed);
  const network = new InProcessNetwork();
  const stores: MemoryStore[] = [];
  const folders = names.map((name) => join(folder, name));
  try {
    for (const [i, advertise] of names.entries()) {
      const start = i === 0 ? { bootstrap: true } : { join: ['one'] };
      const transport = () => network.transport(advertise);
      const cluster = { transport, advertise, snapshotEveryMs, ...start };
      const access = [allow('everyone', 'curator', namespace)];
      stores.push(await MemoryStore.open(folders[i] as string, { access, cluster }));
    }
    const ids = await write(stores, canaries, random);
    const held = await untilHeld(folders);
    for (const id of random.sample(ids, ids.length)) await random.pick(stores).admin.forget(id);
    const maxMs = 2 * 1.5 * snapshotEveryMs + slackMs;
    const mostCopies = 1 + canaries * maxShareOfCopies;
    const isWithoutText = (each: string) =>
      filesWith(each).every((file) => kindOf(file) !== 'log') && textsIn(each) <= mostCopies;
    const erasedMs = await untilErased(folders, maxMs, isWithoutText);
    const copies = Math.max(...folders.map((each) => textsIn(each)));
    for (const store of stores) await store.purge();
    // Without a new entry, a node makes no new snapshot.
    await random.pick(stores).admin.remember('Nothing of interest, after the purge.', { namespace });
    await untilErased(folders, maxMs, (each) => filesWith(each).length === 0);
    for (const store of stores) await store.close();
    const problems = folders.flatMap((each) => filesWith(each).map((file) => `${relative(folder, each)}: ${file}`));
    if (erasedMs.includes(Number.POSITIVE_INFINITY)) problems.push(`a node before its purge: ${copies} texts`);
    return { held: [...held], erasedMs, copies, problems };
  } finally {
    for (const store of stores) await store.close();
  }
}

async function write(stores: readonly MemoryStore[], count: number, random: Random): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const { admin } = random.pick(stores);
    const text = (part: string) => `The ${part} of ${markOf(n)}.`;
    const { id } = await admin.remember(text('first text'), {
      namespace,
      key: `${markOf(n)}key`,
      metadata: { note: text('note') },
    });
    if (n % 2 === 0) await admin.update(id, { text: text('second text') });
    ids.push(id);
    await admin.remember(`Nothing of interest, ${n}.`, { namespace });
  }
  return ids;
}

/** Waits until each node holds a text in its database, its log and a snapshot, because otherwise nothing would be tested. */
async function untilHeld(folders: readonly string[]): Promise<ReadonlySet<string>> {
  const held = folders.map(() => new Set<string>());
  const began = performance.now();
  while (held.some((kinds) => kinds.size < 3)) {
    for (const [i, folder] of folders.entries()) for (const file of filesWith(folder)) held[i]?.add(kindOf(file));
    if (performance.now() - began > slackMs) break;
    await pause(20);
  }
  return new Set(held.flatMap((kinds) => [...kinds]));
}

/** When each folder was erased. Infinity if it is not after `maxMs`. */
async function untilErased(
  folders: readonly string[],
  maxMs: number,
  isErased: (folder: string) => boolean,
): Promise<number[]> {
  const erasedMs = folders.map(() => Number.POSITIVE_INFINITY);
  const began = performance.now();
  for (let now = 0; now < maxMs && erasedMs.includes(Number.POSITIVE_INFINITY); now = performance.now() - began) {
    for (const [i, folder] of folders.entries())
      if (erasedMs[i] === Number.POSITIVE_INFINITY && isErased(folder)) erasedMs[i] = now;
    await pause(500);
  }
  return erasedMs;
}

function kindOf(file: string): 'snapshot' | 'log' | 'database' {
  if (file.startsWith('raft/snapshots')) return 'snapshot';
  return file.startsWith('raft') ? 'log' : 'database';
}

/** The files below a folder that contain a text. */
function filesWith(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => contentOf(path).includes(mark))
    .map((path) => relative(folder, path));
}

/** The number of texts of which a folder has something. */
function textsIn(folder: string): number {
  const found = filesWith(folder).flatMap(
    (file) => contentOf(join(folder, file)).toString('latin1').match(marks) ?? [],
  );
  return new Set(found).size;
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    // It was removed meanwhile.
    return Buffer.alloc(0);
  }
}
