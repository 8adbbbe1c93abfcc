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

interface Page {
  id: number;
  page: Buffer;
}

/** Copies of pages, each with one flipped bit. */
function* flips(pages: readonly Page[], random: Random): Generator<Page> {
  for (let flip = 0; flip < 25; flip++) {
    const { id, page } = random.pick(pages);
    const copy = Buffer.from(page);
    const place = random.whole(0, page.length - 1);
    copy[place] = (copy[place] as number) ^ (1 << random.whole(0, 7));
    yield { id, page: copy };
  }
}

const readPages = (folder: string) =>
  alterDatabase(folder, (database) => database.prepare('select id, page from word_pages').all() as Page[]);
const writePage = (folder: string, { id, page }: Page) =>
  alterDatabase(folder, (database) => database.prepare('update word_pages set page = ? where id = ?').run(page, id));

describe('a keyword index with a flipped bit', () => {
  test('never gives a wrong result, is found by verify(), and repaired', async () => {
    const folder = await stored();
    const open = () => MemoryStore.open(folder, { clock });
    const intact = await open();
    const expected = await answers(intact);
    await intact.close();
    for (const flipped of flips(readPages(folder), new Random(11))) {
      writePage(folder, flipped);
      await using store = await open();
      for (const [i, found] of (await answers(store)).entries())
        if (found !== 'RECORD_DAMAGED') expect(found).toEqual(expected[i]);
      const { ok, problems } = await store.verify({ repair: true });
      expect(ok).toBe(true);
      expect(problems).toContainEqual(expect.objectContaining({ part: 'words' }));
      expect(await answers(store)).toEqual(expected);
      await store.close();
    }
  });

  test('is repaired when a memory is forgotten or revised, which succeeds', async () => {
    const folder = await stored();
    const damage = () => {
      for (const { id, page } of readPages(folder)) writePage(folder, { id, page: Buffer.alloc(page.length, 0x41) });
    };
    damage();
    const store = await MemoryStore.open(folder, { clock });
    const { items } = await store.admin.list();
    const [first, second] = items as [(typeof items)[number], (typeof items)[number]];
    expect(await store.admin.forget(first.id)).toBe(true);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    await store.close();
    damage();
    await using again = await MemoryStore.open(folder, { clock });
    await again.admin.update(second.id, { text: 'A single umbrella.' });
    expect((await again.admin.recall('umbrella', { mode: 'keyword' })).map(({ id }) => id)).toEqual([second.id]);
    expect(await again.verify()).toEqual({ ok: true, problems: [] });
  });

  test('does not stop writes that merge it with other parts', async () => {
    const folder = await stored();
    for (const { id, page } of readPages(folder)) writePage(folder, { id, page: Buffer.alloc(page.length, 0x41) });
    await using store = await MemoryStore.open(folder, { clock });
    const more = Array.from({ length: 3_000 }, (_, i) => ({ namespace: ['support'], text: `umbrella ${i}` }));
    await store.admin.rememberMany(more);
    expect((await store.verify({ repair: true })).ok).toBe(true);
    expect(await store.admin.recall('umbrella', { mode: 'keyword', topK: 50 })).toHaveLength(50);
  });
});
