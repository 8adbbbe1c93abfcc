import { type Hit, MemoryError, MemoryStore } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { alterDatabase, temporaryFolder } from './folders';
import { Random } from './random';

// Leaves time for a machine that is busy with other work.
const clock = { now: () => Date.UTC(2026, 0, 1) };
const vocabulary = 'invoice parcel courier refund warehouse neighbour garden printer cable battery lamp window'.split(
  ' ',
);
const memories = 60;

async function stored(): Promise<string> {
  const folder = temporaryFolder();
  await using store = await MemoryStore.open(folder, { clock });
  const random = new Random(5);
  for (let i = 0; i < memories; i++) {
    await store.admin.remember(`Number ${i}: ${random.sample(vocabulary, 4).join(' ')}.`, { namespace: ['support'] });
  }
  return folder;
}

/** The hits of every word with their scores, or the error of the search. */
async function answers(store: MemoryStore): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const word of [...vocabulary, 'number', '17']) {
    try {
      found.push(
        (await store.admin.recall(word, { mode: 'keyword', topK: memories })).map(({ id, score }: Hit) => [id, score]),
      );
    } catch (error) {
      if (!MemoryError.is(error)) throw error;
      found.push(error.code);
    }
  }
  return found;
}

interface Block {
  id: number;
  block: Buffer;
}

/** Copies of the store, each with one flipped bit in the full-text tables. */
function* flips(blocks: readonly Block[], random: Random): Generator<Block> {
  for (let flip = 0; flip < 25; flip++) {
    const { id, block } = random.pick(blocks);
    const copy = Buffer.from(block);
    const place = random.whole(0, block.length - 1);
    copy[place] = (copy[place] as number) ^ (1 << random.whole(0, 7));
    yield { id, block: copy };
  }
}

const readBlocks = (folder: string) =>
  alterDatabase(folder, (database) => database.prepare('select id, block from tokens_data').all() as Block[]);
const writeBlock = (folder: string, { id, block }: Block) =>
  alterDatabase(folder, (database) => database.prepare('update tokens_data set block = ? where id = ?').run(block, id));

describe('a keyword index with a flipped bit', () => {
  test('is repaired by verify(), which finds every damage that changes a result', async () => {
    const folder = await stored();
    const open = () => MemoryStore.open(folder, { clock });
    const intact = await open();
    const expected = await answers(intact);
    await intact.close();
    const blocks = readBlocks(folder);
    let noticed = 0;
    for (const flipped of flips(blocks, new Random(11))) {
      writeBlock(folder, flipped);
      await using store = await open();
      const found = await answers(store);
      const { ok, problems } = await store.verify({ repair: true });
      expect(ok).toBe(true);
      if (problems.length === 0) expect(found).toEqual(expected);
      else expect(problems).toContainEqual(expect.objectContaining({ part: 'words' }));
      if (problems.length > 0) noticed++;
      expect(await answers(store)).toEqual(expected);
      await store.close();
      for (const block of blocks) writeBlock(folder, block);
    }
    expect(noticed).toBeGreaterThan(2);
  });

  test('can be repaired, after which memories can be forgotten and revised', async () => {
    const folder = await stored();
    for (const { id, block } of readBlocks(folder))
      if (id > 1) writeBlock(folder, { id, block: Buffer.alloc(block.length, 0x41) });
    await using store = await MemoryStore.open(folder, { clock });
    const { items } = await store.admin.list();
    const [first, second] = items as [(typeof items)[number], (typeof items)[number]];
    const outcome = await store.admin.forget(first.id).catch((error) => error);
    if (outcome !== true) expect(outcome).toMatchObject({ code: 'RECORD_DAMAGED' });
    await store.verify({ repair: true });
    if (outcome !== true) expect(await store.admin.forget(first.id)).toBe(true);
    await store.admin.update(second.id, { text: 'A single umbrella.' });
    expect((await store.admin.recall('umbrella', { mode: 'keyword' })).map(({ id }) => id)).toEqual([second.id]);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
  });
});

describe('a keyword index with missing or invented entries', () => {
  test.each([
    ['lacks a memory', `insert into tokens (tokens, rowid, words) values ('delete', 1, ?)`],
    ['has an unknown memory', `insert into tokens (rowid, words) values (5000, ?)`],
    ['has a word that is not in the text', `insert into tokens (rowid, words) values (2, 'umbrella ' || ?)`],
  ])('that %s is found by verify(), and repair restores the results', async (_, sql) => {
    const folder = await stored();
    const intact = await MemoryStore.open(folder, { clock });
    const expected = await answers(intact);
    const { items } = await intact.admin.list({ order: 'oldest', limit: 1 });
    const words = items.map(({ text }) => text.toLowerCase().replace(/[:.]/g, '')).join();
    await intact.close();
    alterDatabase(folder, (database) => database.prepare(sql).run(words));
    await using store = await MemoryStore.open(folder, { clock });
    const { ok, problems } = await store.verify();
    expect({ ok, parts: problems.map(({ part }) => part) }).toEqual({ ok: false, parts: ['words'] });
    expect((await store.verify({ repair: true })).ok).toBe(true);
    expect(await answers(store)).toEqual(expected);
  });
});
