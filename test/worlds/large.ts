import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allow, type Declaration, type Hit, type MemoryStore, type NewMemory } from 'multi-agent-memory';
import { Random } from '../faults/random';
import type { Library } from './library';

const access: readonly Declaration[] = [allow({ agentId: 'ann' }, 'reader', ['open'])];
const now = Date.UTC(2026, 0, 1);
const exactUpTo = 300;
const visibleCount = 1_500;
const hiddenCount = 2_500;
const questions = 40;
const topK = 10;

/** The result of comparing two large worlds, in which searches are approximate. */
export interface LargeReport {
  /** The share of the ten best visible memories that each world finds: first without hidden memories, then with them. */
  readonly recall: readonly [alone: number, beside: number];
  /** The number of hits that both worlds found. They are equal in every byte. */
  readonly shared: number;
  /** The number of queries that gave the same hits in both worlds. */
  readonly alike: number;
  readonly asked: number;
}

/**
 * Compares two worlds with more memories than are searched exactly. They are in folders and have a vector index over all memories. Each
 * world must find the best memories, and hits that both find must be equal in every bit. Throws if this is not the case.
 */
export async function compareLarge(library: Library, seed: number): Promise<LargeReport> {
  const folder = await mkdtemp(join(tmpdir(), 'two-worlds-'));
  try {
    const [alone, beside] = [join(folder, 'alone'), join(folder, 'beside')];
    // The second world is a copy of the first, so that both have the same secret key.
    await (await library.open(alone, {})).close();
    await cp(alone, beside, { recursive: true });
    const worlds = [await fill(library, alone, seed, 0), await fill(library, beside, seed, hiddenCount)] as const;
    const exact = await library.inMemory({ access, clock: { now: () => now }, newId: ids(), exactUpTo: 10 ** 6 });
    await write(exact, visible(seed), []);
    const report = await ask(worlds, exact, new Random(seed, 2));
    for (const store of [...worlds, exact]) await store.close();
    return report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ids(): () => string {
  let n = 0;
  return () => `seen-${String(n++).padStart(6, '0')}`;
}

async function fill(library: Library, folder: string, seed: number, count: number): Promise<MemoryStore> {
  const [seen, unseen] = [ids(), ids()];
  const hiding = { now: false };
  const newId = () => (hiding.now ? `un${unseen()}` : seen());
  const store = await library.open(folder, { access, clock: { now: () => now }, newId, exactUpTo });
  await write(store, visible(seed), hidden(seed, count), hiding);
  await store.settled();
  const isIndexed = existsSync(join(folder, 'index', 'manifest.json')) && (await store.stats()).indexLag === 0;
  if (!isIndexed) throw new Error('There is no index of everything: nothing is compared.');
  return store;
}

/** Writes visible and hidden memories in turns, so that their rows are mixed. */
async function write(
  store: MemoryStore,
  items: readonly NewMemory[],
  others: readonly NewMemory[],
  hiding = { now: false },
): Promise<void> {
  const parts = 10;
  for (let i = 0; i < parts; i++) {
    hiding.now = true;
    await store.admin.rememberMany(part(others, i, parts));
    hiding.now = false;
    await store.admin.rememberMany(part(items, i, parts), { batchSize: 1_000 });
  }
}

function part<T>(list: readonly T[], i: number, of: number): readonly T[] {
  return list.slice((list.length * i) / of, (list.length * (i + 1)) / of);
}

function visible(seed: number): NewMemory[] {
  const random = new Random(seed, 0);
  return Array.from({ length: visibleCount }, () => ({ text: sentence(random), namespace: ['open'] }));
}

function hidden(seed: number, count: number): NewMemory[] {
  const random = new Random(seed, 1);
  return Array.from({ length: count }, () => ({
    text: sentence(random),
    namespace: random.pick([['open-ish'], ['closed'], ['closed', 'open']]),
  }));
}

// Words with common parts, so that the vectors of many texts are similar.
const stems = [
  'garden',
  'invoice',
  'server',
  'patient',
  'journey',
  'kitchen',
  'meeting',
  'contract',
  'weather',
  'engine',
];
const endings = ['', 's', 'ing', 'er', 'less', 'like', 'ful', 'work', 'room', 'side'];

function sentence(random: Random): string {
  return Array.from({ length: random.whole(4, 9) }, () => random.pick(stems) + random.pick(endings)).join(' ');
}

async function ask(worlds: readonly MemoryStore[], exact: MemoryStore, random: Random): Promise<LargeReport> {
  const found = [0, 0];
  let [shared, alike, asked, best] = [0, 0, 0, 0];
  for (let i = 0; i < questions; i++) {
    const query = sentence(random);
    for (const mode of ['semantic', 'hybrid', 'keyword'] as const) {
      const hitsOf = async (store: MemoryStore) =>
        store.as({ agentId: 'ann' }).recall(query, { mode, topK, explain: true });
      const truth = new Set((await hitsOf(exact)).map(({ id }) => id));
      const answers = [await hitsOf(worlds[0] as MemoryStore), await hitsOf(worlds[1] as MemoryStore)];
      for (const [n, hits] of answers.entries()) found[n]! += hits.filter(({ id }) => truth.has(id)).length;
      shared += assertAlike(answers[0] as Hit[], answers[1] as Hit[]);
      if (JSON.stringify(answers[0]) === JSON.stringify(answers[1])) alike++;
      best += truth.size;
      asked++;
    }
  }
  for (const store of worlds) {
    const { recheckRejected } = await store.stats();
    if (recheckRejected > 0) throw new Error(`recheckRejected: ${recheckRejected}`);
  }
  return { recall: [found[0]! / best, found[1]! / best], shared, alike, asked };
}

/** Checks that hits which both worlds found are equal. Returns their number. */
function assertAlike(alone: readonly Hit[], beside: readonly Hit[]): number {
  if (alone.length !== beside.length) throw new Error(`${alone.length} hits alone, ${beside.length} beside`);
  const others = new Map(beside.map((hit) => [hit.id, JSON.stringify(hit)]));
  const shared = alone.filter(({ id }) => others.has(id));
  for (const hit of shared) {
    const other = others.get(hit.id);
    if (other !== JSON.stringify(hit)) throw new Error(`Two worlds differ in ${JSON.stringify(hit)} and ${other}`);
  }
  return shared.length;
}
