import { allow, type Memory, type MemoryHandle, MemoryStore, type Summarizer } from 'multi-agent-memory';
import { describe, expect, inject, test } from 'vitest';
import { Random } from '../faults/random';
import { ended, openFolder, openInMemory, temporaryFolder } from '../store/stores';

// `npm run test:lifecycle -- --histories 10000 --undos 1000` takes more of both.
const histories = inject('histories') ?? 2;
const stepsOfHistory = 18;
const undos = inject('undos') ?? 1;

/** A word that no other text has. */
let words = 0;
const newWord = () => `w${++words}w`;
const wordsOf = (text: string) => text.match(/w\d+w/g) ?? [];

/** Quotes the words of two or three sources in each fact, and calls `during` first. */
function quoting(random: Random, during: () => Promise<void>): Summarizer {
  return {
    name: 'quoting 1',
    maxInputTokens: 100_000,
    summarize: async ({ sources }) => {
      await during();
      const facts: { text: string; from: number[] }[] = [];
      for (let n = 1; n <= sources.length; ) {
        const some = sources.slice(n - 1, n - 1 + random.whole(2, 3));
        facts.push({ text: some.flatMap(({ text }) => wordsOf(text)).join(' '), from: some.map((each) => each.n) });
        n += some.length;
      }
      return { facts };
    },
  };
}

const everything = { include: ['consolidated', 'superseded'] } as const;
const isFact = ({ kind }: Memory) => kind === 'summary';

/** Facts say what their sources say now, and every word of a memory that is not superseded is in what ordinary reads return. */
async function expectNothingStaleOrLost(handle: MemoryHandle): Promise<void> {
  const all = (await handle.list({ ...everything, limit: 1_000 })).items;
  const active = (await handle.list({ limit: 1_000 })).items;
  for (const fact of active.filter(isFact)) {
    const sources = await handle.sources(fact.id);
    expect(sources.length, 'the sources of a fact').toBeGreaterThan(0);
    expect(new Set(sources.map(({ state }) => state))).toEqual(new Set(['consolidated']));
    expect(wordsOf(fact.text).sort()).toEqual(sources.flatMap(({ text }) => wordsOf(text)).sort());
  }
  const said = new Set(active.flatMap(({ text }) => wordsOf(text)));
  for (const { text, state } of all)
    if (state !== 'superseded') for (const word of wordsOf(text)) expect(said.has(word), `${word} is lost`).toBe(true);
}

/** Changes one random memory, as an ordinary caller would. */
async function changeOne(handle: MemoryHandle, random: Random): Promise<void> {
  const all = (await handle.list({ ...everything, limit: 1_000 })).items.filter((each) => each.state !== 'superseded');
  if (all.length === 0) return;
  const picked = random.pick(all.filter((each) => !isFact(each) || random.chance(0.3)).concat(all.slice(0, 1)));
  const { id } = picked;
  const namespace = ['n', `${random.whole(1, 2)}`];
  const change = random.pick(['update', 'forget', 'share', 'supersede', 'undo'] as const);
  if (change === 'update') await handle.update(id, { tags: [`t${random.whole(1, 3)}`] });
  if (change === 'update' && !isFact(picked)) await handle.update(id, { text: `${newWord()}-and-more` });
  if (change === 'forget') await handle.forget(id);
  if (change === 'share') await handle.share(id, { namespace });
  if (change === 'supersede' && !isFact(picked))
    await handle.remember(`${newWord()}-and-more`, { namespace, supersedes: id });
  if (change === 'undo') await handle.undoConsolidation(id).catch(() => undefined);
}

test('random changes, also while a summarizer works, leave no stale fact and lose nothing', async () => {
  let groups = 0;
  for (let seed = 1; seed <= histories; seed++) {
    const random = new Random(seed);
    const store = await MemoryStore.inMemory({ access: [allow('everyone', 'curator', [])] });
    const handle = store.as({ agentId: 'a' });
    for (let step = 0; step < stepsOfHistory; step++) {
      if (random.chance(0.5)) {
        for (let i = 0; i < 4; i++)
          await handle.remember(`${newWord()}-and-more`, { namespace: ['n', `${random.whole(1, 2)}`], embed: false });
      } else if (random.chance(0.4)) {
        const summarizer = quoting(random, async () => {
          if (random.chance(0.6)) await changeOne(handle, random);
        });
        const options = { dryRun: false, minSources: 2, maxSources: 6, ratio: 1, summarizer };
        groups += (await handle.consolidate({}, options)).groups;
      } else await changeOne(handle, random);
      await expectNothingStaleOrLost(handle);
    }
    await ended(store);
  }
  expect(groups).toBeGreaterThan(histories);
});

async function undoOneHistory(seed: number): Promise<void> {
  const random = new Random(seed);
  const store = await openInMemory();
  const handle = store.as({ agentId: 'a' });
  const written = Array.from({ length: 30 }, () => ({
    text: `${newWord()} and more`,
    namespace: ['n', `${random.whole(1, 2)}`],
    tags: [`t${random.whole(1, 3)}`],
    sessionId: `s${random.whole(1, 2)}`,
    visibility: random.chance(0.3) ? ('private' as const) : ('shared' as const),
    embed: false as const,
  }));
  await handle.rememberMany(written);
  for (let i = 0; i < 6; i++) await changeOne(handle, random);
  const content = async () =>
    (await handle.list({ limit: 1_000, order: 'oldest' })).items.map(({ revision: _, updatedAt: __, ...rest }) => rest);
  const before = await content();
  const summarizer = quoting(random, async () => undefined);
  const { facts } = await handle.consolidate({}, { dryRun: false, minSources: 2, summarizer, ratio: 1 });
  expect(facts).toBeGreaterThan(2);
  for (const { id } of (await handle.list({ filter: { kind: 'summary' }, limit: 1_000 })).items)
    await handle.undoConsolidation(id);
  expect(await content()).toEqual(before);
  await ended(store);
}

test('undo restores the same state but for revisions', async () => {
  for (let seed = 7; seed < 7 + undos; seed++) await undoOneHistory(seed);
});

describe('sources and derived', () => {
  test('leave out what the reader may not read', async () => {
    const access = [
      allow({ agentId: 'curator' }, 'curator', []),
      allow({ agentId: 'reader' }, 'reader', ['open']),
      allow({ agentId: 'clerk' }, 'reader', ['closed']),
    ];
    const store = await openInMemory({ access });
    const curator = store.as({ agentId: 'curator' });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++)
      ids.push((await curator.remember(`${newWord()} and more`, { namespace: ['closed'] })).id);
    const summarizer = quoting(new Random(1), async () => undefined);
    await curator.consolidate({}, { dryRun: false, minSources: 2, summarizer, ratio: 1 });
    const { items } = await curator.list();
    const fact = items[0]?.id ?? '';
    await curator.share(fact, { namespace: ['open'] });
    const [reader, clerk] = [store.as({ agentId: 'reader' }), store.as({ agentId: 'clerk' })];
    expect((await reader.get(fact))?.id).toBe(fact);
    expect(await reader.sources(fact)).toEqual([]);
    const quoted = await curator.sources(fact);
    expect(quoted.length).toBeGreaterThan(1);
    expect((await clerk.get(quoted[0]?.id ?? ''))?.state).toBe('consolidated');
    expect(await clerk.derived(quoted[0]?.id ?? '')).toEqual([]);
    expect(await clerk.sources(fact)).toEqual([]);
    const trail = (await store.audit.query({ action: ['sources', 'derived'] })).items;
    expect(trail.map(({ decision }) => decision).sort()).toEqual(['allowed', 'allowed', 'allowed', 'refused']);
  });

  test('work over a connection, and so do consolidate, its undo and the policies', async () => {
    const folder = await temporaryFolder();
    await openFolder(folder, { serve: true, consolidation: { at: ['n'] } });
    await using store = await MemoryStore.connect(folder, { waitMs: 60_000 });
    const handle = store.as({ agentId: 'a' });
    for (let i = 0; i < 8; i++)
      await handle.remember(`Good morning to all of you. Parcel ${newWord()} was lost on day ${i}.`, {
        namespace: ['n'],
      });
    const { groups, sources, facts } = await handle.consolidate({}, { dryRun: false, ratio: 0.7 });
    expect([groups, sources]).toEqual([1, 8]);
    const all = (await handle.list({ filter: { kind: 'summary' } })).items;
    expect(all).toHaveLength(facts);
    const [source] = await handle.sources(all[0]?.id ?? '');
    expect((await handle.derived(source?.id ?? '')).map(({ id }) => id)).toContain(all[0]?.id);
    for (const { id } of all) await handle.undoConsolidation(id).catch(() => undefined);
    expect(await handle.count()).toBe(8);
    expect((await store.lifecycle.status()).consolidation).toMatchObject([{ at: ['n'], isRunning: false }]);
    expect((await store.lifecycle.run({ dryRun: true })).consolidation[0]?.result.groups).toBe(0);
  });
});
