import fc from 'fast-check';
import { allow, type Hit, type MemoryStore, type NewMemory, type RecallOptions } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import { issuePaths, openInMemory } from '../store/stores';

const namespace = ['team'];
const day = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 5, 1);
const agents = ['ann', 'bea', 'cal'];
const access = [allow('everyone', 'writer', []), ...agents.map((agentId) => allow({ agentId }, 'writer', []))];
const tool = { channel: 'tool' } as const;
const mail = 'Customers prefer answers by e-mail.';

const openTeam = () => openInMemory({ access, clock: fakeClock(now) });

async function say(store: MemoryStore, text: string, rest: Partial<NewMemory> = {}, agentId = 'ann'): Promise<string> {
  return (await store.as({ agentId }).remember(text, { namespace, ...rest })).id;
}

async function ask(store: MemoryStore, options: RecallOptions = {}, question = 'How do customers prefer answers?') {
  return store.as({ agentId: 'bea' }).recall(question, options);
}

const texts = (hits: readonly Hit[]) => hits.map(({ text }) => text);

describe('distinct: exact, the default', () => {
  test('returns equal texts once, says how many others there are, and fills the places with others', async () => {
    const store = await openTeam();
    const copies = [mail, ` ${mail} `, 'customers prefer  answers by e-mail', mail];
    for (const text of copies) await say(store, text);
    for (let i = 0; i < 5; i++) await say(store, `Answers to customers take ${i} days.`);
    const hits = await ask(store, { topK: 4 });
    expect(hits).toHaveLength(4);
    expect(hits[0]?.standsFor).toEqual({ others: 3 });
    expect(hits.slice(1).every(({ standsFor }) => standsFor === undefined)).toBe(true);
    expect(await ask(store, { topK: 4, distinct: false })).toHaveLength(4);
    expect(texts(await ask(store, { topK: 4, distinct: false }))).toEqual(expect.arrayContaining(copies));
  });

  test.each<[string, Partial<NewMemory>, Partial<NewMemory>]>([
    ['users', { userId: 'uma' }, { userId: 'tom' }],
    ['namespaces', { namespace: ['a'] }, { namespace: ['b'] }],
    ['access tags', { accessTags: ['pii'] }, {}],
    ['owners', { visibility: 'private' }, {}],
    ['keys', { key: 'first' }, { key: 'second' }],
  ])('returns equal texts of different %s each', async (_, one, other) => {
    const store = await openTeam();
    await store.admin.access.clear({ agentId: 'ann' }, 'pii', []);
    await say(store, mail, one);
    await say(store, mail, other);
    expect(await store.admin.recall('How do customers prefer answers?')).toHaveLength(2);
  });

  test('keeps the more trusted memory, whatever its score and age, then the newer one, in the place of the first', async () => {
    const store = await openTeam();
    const original = await say(store, mail, { validFrom: new Date(now - 90 * day), priority: 0 });
    const newer = await say(store, mail, { validFrom: new Date(now - 80 * day), priority: 0 });
    await say(store, mail, { source: tool, priority: 1 });
    await say(store, 'Customers prefer answers, and by e-mail.', { priority: 0.5 });
    const [hit, ...others] = await ask(store, { explain: true });
    expect(hit).toMatchObject({ id: newer, trust: 'standard', standsFor: { others: 2 } });
    expect(hit?.standsFor?.ids).toContain(original);
    expect(others).toHaveLength(1);
  });

  test('keeps the memory of the time that the question names', async () => {
    const store = await openTeam();
    const then = await say(store, 'The deployment failed.', { validFrom: new Date(Date.UTC(2026, 2, 19)) });
    await say(store, 'The deployment failed.', { validFrom: new Date(Date.UTC(2026, 4, 30)) });
    const [hit] = await ask(store, {}, 'What failed on 19 March 2026?');
    expect(hit?.id).toBe(then);
  });

  test('counts only copies that the reader may see', async () => {
    const store = await openTeam();
    await store.admin.access.clear({ agentId: 'ann' }, 'secret', []);
    const seen = await say(store, mail);
    const before = await ask(store);
    await say(store, mail, { visibility: 'private' });
    await say(store, mail, { accessTags: ['secret'] });
    expect(await ask(store)).toEqual(before);
    await say(store, mail, { validFrom: new Date(now - day) });
    expect((await ask(store, { explain: true }))[0]).toMatchObject({ id: seen, standsFor: { others: 1 } });
  });

  test('does not count copies for the cap on their source', async () => {
    const store = await openTeam();
    for (let i = 0; i < 6; i++) await say(store, mail, { source: tool });
    await say(store, 'Customers prefer answers by phone.', { source: tool });
    for (let i = 0; i < 6; i++) await say(store, `Lunch ${i} with customers.`, {}, 'cal');
    const hits = await ask(store, { topK: 3 });
    const ofAnn = hits.filter(({ agentId }) => agentId === 'ann');
    expect(texts(ofAnn).sort()).toEqual([mail, 'Customers prefer answers by phone.']);
    expect(hits).toHaveLength(3);
  });
});

test('many copies of one source leave the places to others, and do not make a search read them all', async () => {
  const store = await openTeam();
  const copies = Array.from({ length: 1_500 }, () => ({ text: mail, namespace, source: tool }));
  await store.as({ agentId: 'ann' }).rememberMany(copies.map((copy) => ({ ...copy, embed: false })));
  for (let i = 0; i < 12; i++) await say(store, `Lunch ${i} with customers.`, {}, 'cal');
  const capped = await ask(store, { mode: 'keyword' });
  expect([capped.length, capped.filter(({ agentId }) => agentId === 'ann').length]).toEqual([10, 1]);
  const [hit] = await ask(store, { mode: 'keyword', maxPerSource: 10 });
  expect(hit?.text).toBe(mail);
  expect(hit?.standsFor?.others).toBeLessThanOrEqual(1_024);
});

describe('distinct: near', () => {
  const wordings = [
    'The user prefers dark mode.',
    'User likes dark mode',
    'The user loves the dark mode.',
    'Dark mode is what the user prefers',
    'The user wants dark mode!',
    'The user prefers dark mode in the editor.',
  ];

  test('returns one of several wordings, and one that says more stands for those that say less', async () => {
    const store = await openTeam();
    for (const text of wordings) await say(store, text);
    for (let i = 0; i < 4; i++) await say(store, `The user asked about mode ${i}.`);
    const question = 'Which mode does the user prefer?';
    expect((await ask(store, { topK: 3 }, question)).every(({ text }) => wordings.includes(text))).toBe(true);
    const hits = await ask(store, { topK: 3, distinct: 'near' }, question);
    expect(hits).toHaveLength(3);
    expect(texts(hits)).toContain('The user prefers dark mode in the editor.');
    expect(hits.find(({ standsFor }) => standsFor !== undefined)?.standsFor?.others).toBeGreaterThan(1);
  });

  test.each([
    ['a number', 'The well in Oslo is 41 metres deep.'],
    ['a name', 'The well in Bergen is 40 metres deep.'],
    ['a negation', 'The well in Oslo is not 40 metres deep.'],
    ['a word', 'The shaft in Oslo is 40 metres deep.'],
  ])('returns texts that differ in %s each', async (_, text) => {
    const store = await openTeam();
    await say(store, 'The well in Oslo is 40 metres deep.');
    await say(store, text);
    const hits = await ask(store, { distinct: 'near' }, 'How deep is the well in Oslo?');
    expect(hits).toHaveLength(2);
  });

  test('lets nothing that is less trusted hide a memory, even if it says more', async () => {
    const store = await openTeam();
    await say(store, 'The user prefers dark mode.', { priority: 0 });
    await say(store, 'The user prefers dark mode in the editor.', { source: tool, priority: 1 });
    await say(store, 'The user likes dark mode.', { source: tool, priority: 1 });
    const hits = await ask(store, { distinct: 'near' }, 'Which mode does the user prefer?');
    expect(texts(hits)).toEqual(expect.arrayContaining(['The user prefers dark mode.']));
    expect(texts(hits)).not.toContain('The user likes dark mode.');
  });
});

/** What the rules say if no cap on sources holds, by the whole ranking: the ids of the hits. */
function expectedIds(ranked: readonly Hit[], topK: number): string[] {
  const levels = ['untrusted', 'reported', 'standard', 'verified'];
  const chosen = new Map<string, Hit>();
  for (const hit of ranked) {
    if (chosen.size === topK) break;
    const key = JSON.stringify([hit.text, hit.userId]);
    const before = chosen.get(key);
    const trust = before === undefined ? 1 : levels.indexOf(hit.trust) - levels.indexOf(before.trust);
    const isNewer = before?.sessionId === hit.sessionId && before !== undefined && hit.validFrom > before.validFrom;
    // A key of a map keeps its place.
    if (trust > 0 || (trust === 0 && isNewer)) chosen.set(key, hit);
  }
  return [...chosen.values()].map(({ id }) => id);
}

test('chooses in every mode as from the whole ranking, changes no score, and gives equal answers to equal questions', async () => {
  const memory = fc.record({
    text: fc.array(fc.constantFrom('well', 'deep', 'rope'), { minLength: 1, maxLength: 2 }).map((all) => all.join(' ')),
    userId: fc.constantFrom('uma', 'tom'),
    priority: fc.constantFrom(0, 0.5, 1),
    validFrom: fc.integer({ min: 0, max: 400 }).map((days) => new Date(now - days * day)),
    agentId: fc.constantFrom(...agents),
    isReported: fc.boolean(),
    session: fc.constantFrom('', '', 'one', 'two'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(memory, { minLength: 1, maxLength: 40 }),
      fc.constantFrom('hybrid' as const, 'semantic' as const, 'keyword' as const),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(undefined, 1, 2),
      async (memories, mode, topK, maxPerSource) => {
        const store = await openTeam();
        for (const by of agents) {
          const items = memories.filter(({ agentId }) => agentId === by);
          await store.as({ agentId: by }).rememberMany(
            items.map(({ agentId: _, isReported, session, ...fields }) => ({
              ...fields,
              namespace,
              ...(session !== '' && { sessionId: session }),
              ...(isReported && { source: tool }),
            })),
          );
        }
        const whole = await ask(store, { mode, topK: 1_000, maxPerSource: 1_000, distinct: false }, 'deep well');
        const options = { mode, topK, ...(maxPerSource === undefined ? {} : { maxPerSource }) };
        const hits = await ask(store, options, 'deep well');
        expect(await ask(store, options, 'deep well')).toEqual(hits);
        const explained = await ask(store, { ...options, explain: true }, 'deep well');
        expect(explained.map(({ id, standsFor }) => [id, standsFor?.others])).toEqual(
          hits.map(({ id, standsFor }) => [id, standsFor?.others]),
        );
        const scores = new Map(whole.map(({ id, score }) => [id, score]));
        for (const { id, score } of hits) expect(score).toBe(scores.get(id));
        const uncapped = await ask(store, { ...options, maxPerSource: 1_000 }, 'deep well');
        expect(uncapped.map(({ id }) => id)).toEqual(expectedIds(whole, topK));
        const said = hits.map(({ text, userId }) => JSON.stringify([text, userId]));
        expect(new Set(said).size).toBe(said.length);
        if (maxPerSource !== undefined && maxPerSource < topK) {
          for (const by of agents) {
            expect(hits.filter(({ agentId }) => agentId === by).length).toBeLessThanOrEqual(maxPerSource);
          }
        }
        await store.close();
      },
    ),
    { numRuns: 25 },
  );
});

test('rejects other rules', async () => {
  const store = await openTeam();
  for (const distinct of ['all', true, null, 1]) {
    expect(await issuePaths(() => store.admin.recall('note', { distinct: distinct as never }))).toEqual(['distinct']);
  }
});
