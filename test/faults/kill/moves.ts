import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { MemoryStore } from 'multi-agent-memory';
import { words } from '../../reembedding/spaces';
import { alterDatabase } from '../folders';
import type { Programs } from '../programs';
import { Random } from '../random';

/** The embedding spaces between which the program moves the store. */
export const models = ['alpha', 'beta-', 'gamma--'] as const;

export interface MoverTask {
  readonly folder: string;
  readonly seed: number;
  readonly cycle: number;
  /** The model of the current space. */
  readonly model: string;
  /** The memories of the store: ids and texts. */
  readonly known: readonly (readonly [id: string, text: string])[];
}

/** A line of the program. An intent without an id stores; one without a text forgets. */
export type MoverLine =
  | { readonly say: 'opening' | 'moved' }
  | { readonly say: 'intent'; readonly number: number; readonly id?: string; readonly text?: string }
  | { readonly say: 'ack'; readonly number: number; readonly id: string };

type Intent = Extract<MoverLine, { say: 'intent' }>;

export interface MoveCyclesOptions {
  readonly programs: Programs;
  readonly folder: string;
  readonly seed: number;
  readonly cycles: number;
  onCycle?(cycle: { readonly cycle: number; readonly memories: number; readonly moves: number }): void;
}

/** The dimensions of each space. */
export const dimensions = 256;

const longestRunMs = 700;

/** Kills a program that moves a store between embedding spaces, and compares the store with the acknowledged results. */
export async function runMoveCycles({ programs, folder, seed, cycles, onCycle }: MoveCyclesOptions): Promise<void> {
  let texts = new Map<string, string>();
  let model: string = models[0];
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const random = new Random(seed, cycle, -1);
    const mover = programs.start('mover', { folder, seed, cycle, model, known: [...texts] } satisfies MoverTask);
    await mover.said<MoverLine>(({ say }) => say === (random.chance(0.1) ? 'opening' : 'ack'));
    await setTimeout(random.share() * longestRunMs);
    const { stderr } = await mover.kill();
    assert.equal(stderr, '', 'nothing on stderr');
    const lines = mover.lines as MoverLine[];
    try {
      texts = await compare(folder, told(texts, lines));
      model = await finish(folder, texts, random);
    } catch (cause) {
      throw new Error(`Seed ${seed}, cycle ${cycle}: ${String(cause)}\nThe store is in ${folder}.`, { cause });
    }
    onCycle?.({ cycle, memories: texts.size, moves: lines.filter(({ say }) => say === 'moved').length });
  }
}

interface Told {
  readonly texts: ReadonlyMap<string, string>;
  readonly open: readonly Intent[];
}

/** The acknowledged calls, and those that were running. */
function told(before: ReadonlyMap<string, string>, lines: readonly MoverLine[]): Told {
  const texts = new Map(before);
  const open = new Map<number, Intent>();
  for (const line of lines) {
    if (line.say === 'intent') open.set(line.number, line);
    if (line.say !== 'ack') continue;
    const { text } = open.get(line.number) as Intent;
    if (text === undefined) texts.delete(line.id);
    else texts.set(line.id, text);
    open.delete(line.number);
  }
  return { texts, open: [...open.values()] };
}

/** Opens the store with the embedder of its current space. */
async function opened(folder: string): Promise<MemoryStore> {
  const model = alterDatabase(folder, (database) =>
    database.prepare("select model from spaces where role = 'current'").pluck().get(),
  );
  return MemoryStore.open(folder, { embedder: words(String(model ?? models[0]), dimensions), exactUpTo: 12 });
}

async function compare(folder: string, { texts, open }: Told): Promise<Map<string, string>> {
  await using store = await opened(folder);
  const found = new Map<string, string>();
  for await (const { id, text } of store.admin.list({ limit: 1_000 })) found.set(id, text);
  for (const [id, text] of texts) {
    const isOpen = open.some((intent) => intent.id === id && intent.text === found.get(id));
    assert.ok(found.get(id) === text || isOpen, `memory ${id} is not as it was acknowledged`);
  }
  for (const [id, text] of found) {
    const isOpen = open.some((intent) => intent.text === text);
    assert.ok(texts.has(id) || isOpen, `memory ${id} is there, and nobody wrote it`);
  }
  assert.deepEqual(await store.verify(), { ok: true, problems: [] });
  await checkSearches(store, found);
  return found;
}

/** Continues the move, or begins another one. At the end each vector exists once, and none of other spaces. */
async function finish(folder: string, texts: ReadonlyMap<string, string>, random: Random): Promise<string> {
  const store = await opened(folder);
  const { otherSpaces, space } = await store.stats();
  const others = models.filter((each) => each !== space.model);
  const unfinished = otherSpaces.find(({ role }) => role !== 'dropping')?.model;
  await store.reembed(words(unfinished ?? random.pick(others), dimensions));
  await checkSearches(store, texts);
  const isDropped = random.chance(0.5);
  if (isDropped) await store.dropUnusedSpaces();
  const now = (await store.stats()).space.model;
  await store.close();
  alterDatabase(folder, (database) => {
    const count = (sql: string) => database.prepare(sql).pluck().get();
    const ofSpace = 'key / 17592186044416 = (select id from spaces where role = ';
    assert.equal(count(`select count(*) from vectors where ${ofSpace} 'current')`), texts.size, 'each vector once');
    if (!isDropped) return;
    assert.equal(count('select count(*) from vectors'), texts.size, 'no vector of another space');
    assert.equal(
      count("select count(*) from embedded where space not in (select id from spaces where role = 'current')"),
      0,
    );
    assert.equal(count("select count(*) from spaces where role not in ('current', 'dropped')"), 0);
  });
  return now;
}

// Recency and priority have a small weight too.
const tolerance = 0.02;

// An approximate index of a few hundred vectors sometimes misses one of ten. An incomplete space misses many more.
const mostMissed = 2;

/** Checks that a search finds the ten nearest memories, compared with a scan of every memory. */
async function checkSearches(store: MemoryStore, texts: ReadonlyMap<string, string>): Promise<void> {
  const embedder = words((await store.stats()).space.model, dimensions);
  const some = [...texts.values()];
  if (some.length === 0) return;
  const vectors = await embedder.embedDocuments(some, {});
  const stride = Math.ceil(some.length / 6);
  for (const query of some.filter((_, i) => i % stride === 0)) {
    const asked = await embedder.embedQuery(query, {});
    const cosines = new Map(some.map((text, i) => [text, cosine(asked, vectors[i] as Float32Array)]));
    const best = [...cosines.values()].sort((a, b) => b - a).slice(0, 10);
    const hits = await store.admin.recall(query, { mode: 'semantic', topK: 10 });
    assert.equal(hits.length, best.length, 'as many as there are');
    const near = hits.filter(({ text }) => (cosines.get(text) ?? -1) >= (best.at(-1) as number) - tolerance);
    assert.ok(near.length >= best.length - mostMissed, `${best.length - near.length} hits are none of the ten nearest`);
    assert.ok(
      (cosines.get(hits[0]?.text as string) ?? -1) >= (best[0] as number) - tolerance,
      'the nearest comes first',
    );
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, ofA, ofB] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    const y = b[i] as number;
    dot += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return dot / Math.sqrt(ofA * ofB);
}
