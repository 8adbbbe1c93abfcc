import { allow, MemoryStore, type NewMemory, type OpenOptions, type RecallOptions } from 'multi-agent-memory';
import { expect, onTestFinished, test } from 'vitest';

const access = [allow({ agentId: 'reader' }, 'reader', ['open'])];

async function storeWith(counts: { open: number; hidden: number }, options: OpenOptions = {}): Promise<MemoryStore> {
  const store = await MemoryStore.inMemory({ access, ...options });
  onTestFinished(() => store.close());
  const of = (label: 'open' | 'hidden'): NewMemory[] =>
    Array.from({ length: counts[label] }, (_, i) => ({ text: `${label} note ${i} about refunds`, namespace: [label] }));
  const { stored } = await store.admin.rememberMany([...of('open'), ...of('hidden')]);
  expect(stored).toBe(counts.open + counts.hidden);
  return store;
}

test('`search` tells a principal how many memories it may see were searched, and nothing about others', async () => {
  const few = await storeWith({ open: 30, hidden: 0 }, { exactUpTo: 40 });
  const many = await storeWith({ open: 30, hidden: 900 }, { exactUpTo: 40, memoryBytes: 0 });
  for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
    const ask = async (store: MemoryStore) =>
      (await store.as({ agentId: 'reader' }).recall('refunds', { mode, explain: true })).map(({ search }) => search);
    const [alone, beside] = [await ask(few), await ask(many)];
    expect(alone).toHaveLength(10);
    expect(beside).toEqual(alone);
    expect(alone[9]).toEqual({
      words: mode === 'semantic' ? 0 : 1,
      method: mode === 'keyword' ? 'words' : 'exact',
      visible: 30,
      vectors: mode === 'keyword' ? 0 : 30,
    });
  }
});

test('`search` says that hits may be missing if more than `exactUpTo` vectors are visible', async () => {
  const store = await storeWith({ open: 50, hidden: 10 }, { exactUpTo: 40 });
  const [hit] = await store.as({ agentId: 'reader' }).recall('refunds', { explain: true });
  expect(hit?.search).toEqual({ words: 1, method: 'approximate', visible: 50, vectors: 50 });
});

test('`search` tells the host how vectors were compared, and how many memories were verified', async () => {
  const store = await storeWith({ open: 300, hidden: 30 }, { exactUpTo: 310 });
  const search = async (options: object) =>
    (await store.admin.recall('refunds', { explain: true, topK: 5, ...options }))[0]?.search;
  const exact = await search({ namespace: ['open'], mode: 'semantic' });
  expect(exact).toMatchObject({ method: 'exact', visible: 300, vectors: 300, host: { tier: 'bytes' } });
  expect(exact?.host?.verified).toBeGreaterThanOrEqual(5);
  expect(exact?.host?.verified).toBeLessThanOrEqual(300);
  expect(await search({})).toMatchObject({ method: 'approximate', visible: 330, host: { tier: 'signs' } });
  const words = await search({ mode: 'keyword' });
  expect(words).toMatchObject({ method: 'words', visible: 330, vectors: 0 });
  expect(words?.host).not.toHaveProperty('tier');
});

test.each(['?', '— …'])('`search` says that a query has no words, which then find nothing: %s', async (query) => {
  const store = await storeWith({ open: 3, hidden: 0 });
  const [hit] = await store.admin.recall(query, { explain: true });
  expect([hit?.search?.words, hit?.parts?.keyword]).toEqual([0, 0]);
  expect(await store.admin.recall(query, { mode: 'keyword' })).toEqual([]);
  expect(await store.admin.recall(query, { threshold: 'likely' })).toEqual([]);
});

test('an emoji is a word, which finds nothing by words where no memory has it', async () => {
  const store = await storeWith({ open: 3, hidden: 0 });
  const ask = (options: RecallOptions) => store.admin.recall('🎉', { explain: true, ...options });
  expect((await ask({}))[0]).toMatchObject({ search: { words: 1 }, parts: { keyword: 0 } });
  expect(await ask({ mode: 'keyword' })).toEqual([]);
  const { id } = await store.admin.remember('We won 🎉', { namespace: ['open'] });
  expect((await ask({ mode: 'keyword' })).map((hit) => hit.id)).toEqual([id]);
});

test('hits have `search` only with `explain`', async () => {
  const store = await storeWith({ open: 3, hidden: 0 });
  for (const hit of await store.admin.recall('refunds')) expect(hit).not.toHaveProperty('search');
});
