import type { Limits } from 'multi-agent-memory';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { expect, test } from 'vitest';
import { openInMemory } from '../../store/stores';

const query = 'the best weather in spring';

interface ItemText {
  readonly text: string;
  readonly value: Record<string, number | Record<string, number | string>>;
}

/** A store with limits that a few small items exceed, as thousands of items or long ones exceed the default limits. */
async function opened(limits: Partial<Limits>, ...groups: (readonly ItemText[])[]) {
  const memory = await openInMemory({ limits });
  const handle = memory.as({ agentId: 'planner' }, { namespace: ['team'] });
  let count = 0;
  for (const group of groups)
    await handle.rememberMany(
      group.map(({ text, value }) => ({
        text,
        namespace: ['team', 'a'],
        key: `langgraph:${count++}`,
        metadata: value,
      })),
    );
  return new MemoryHandleStore(handle);
}

const isBest = (i: number) => i % 20 === 7;
const items = Array.from({ length: 40 }, (_, i) => ({
  text: isBest(i) ? query : `${'some other text '.repeat(1 + (i % 9))}with weather ${i}`,
  value: { v: i, details: { category: isBest(i) ? 'best' : 'other' } },
}));
const bestKeys = ['27', '7'];
const keys = (found: readonly { key: string }[]) => found.map(({ key }) => key);

test.each<[string, Partial<Limits>]>([
  ['the ids of the items on earlier pages exceed the limit for filters', { topK: 5, filterBytes: 400 }],
  ['the items of a page exceed the limit for answers', { answerBytes: 2_000 }],
  ['a page exceeds the limit for hits', { topK: 7 }],
  ['the ids and the items exceed their limits', { topK: 10, filterBytes: 400, answerBytes: 1_500 }],
])('a search finds every item, the best first, if %s', async (_, limits) => {
  const store = await opened(limits, items);
  await store.put(['a'], 'unindexed', { v: 40, details: { category: 'other' } }, false);
  const all = await store.search(['a'], { query, limit: 100 });
  expect(all.map(({ value }) => value.v).sort((a, b) => a - b)).toEqual(Array.from({ length: 41 }, (_, i) => i));
  expect(keys(all.slice(0, 2)).sort()).toEqual(bestKeys);
  expect([all.at(-1)?.key, all.at(-1)?.score]).toEqual(['unindexed', undefined]);
  const pages: string[] = [];
  for (let offset = 0; offset < 41; offset += 15)
    pages.push(...keys(await store.search(['a'], { query, offset, limit: 15 })));
  expect([pages.length, new Set(pages).size]).toEqual([41, 41]);
  const find = async (category: string, limit: number) =>
    keys(await store.search(['a'], { query, filter: { 'details.category': category }, limit }));
  expect((await find('best', 10)).sort()).toEqual(bestKeys);
  expect(await find('best', 1)).toHaveLength(1);
  expect(await find('other', 100)).toHaveLength(39);
  expect(await find('none', 10)).toEqual([]);
});

test('the best items come first, though other items of the same time have the same words', async () => {
  const of = (count: number, n: number, textOf: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => ({ text: textOf(i), value: { v: { n } } }));
  // The first group fills the pages until their ids are too many. The second one is recalled in one part, in which its words are
  // common. In the parts of the third, one of them is rare.
  const store = await opened(
    { topK: 12, filterBytes: 1_000 },
    of(40, 0, () => query),
    of(8, 1, (i) => `spring weather ${i}`),
    of(30, 2, (i) => (i % 10 === 5 ? `weather and invoice ${i}` : `invoice ${i}`)),
  );
  const found = await store.search(['a'], { query, filter: { 'v.n': { $gt: 0 } }, limit: 4 });
  expect(found.map(({ value }) => value.v.n)).toEqual([1, 1, 1, 1]);
});

test('a filter of the caller that exceeds the limit is refused', async () => {
  const store = await opened({ filterBytes: 400 }, items);
  const search = store.search(['a'], { query, filter: { v: { $in: ['x'.repeat(500)] } } });
  await expect(search).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('all namespaces are listed if they do not fit into one answer of the store', async () => {
  const memory = await openInMemory({ limits: { answerBytes: 2_000 } });
  const store = new MemoryHandleStore(memory.as({ agentId: 'planner' }, { namespace: ['team'] }));
  const labels = Array.from({ length: 12 }, (_, i) => `${String.fromCharCode(97 + i)}`.repeat(400));
  for (const label of labels) await store.put(['users', label], 'k', { v: 1 }, false);
  expect(await store.listNamespaces({ limit: 100 })).toEqual(labels.map((label) => ['users', label]));
  expect(await store.listNamespaces({ limit: 2, offset: 9 })).toEqual(
    labels.slice(9, 11).map((label) => ['users', label]),
  );
  expect(await store.listNamespaces({ maxDepth: 1 })).toEqual([['users']]);
});
