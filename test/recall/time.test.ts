import fc from 'fast-check';
import { type Hit, MemoryStore } from 'multi-agent-memory';
import { fakeClock } from 'multi-agent-memory/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInMemory } from '../store/stores';

const namespace = ['support'];
const day = 24 * 60 * 60 * 1000;
// A Wednesday.
const now = Date.UTC(2026, 2, 18, 9);

describe('the times in a question', () => {
  let store: MemoryStore;
  beforeAll(async () => {
    store = await MemoryStore.inMemory({ clock: fakeClock(now) });
    await store.admin.remember('note', { namespace, embed: false });
  });
  afterAll(() => store.close());

  async function timesIn(question: string, timeZone?: string): Promise<string> {
    const options = timeZone === undefined ? {} : { timeZone };
    const [hit] = await store.admin.recall(`note ${question}`, { mode: 'keyword', explain: true, ...options });
    const dayOf = (time: Date | undefined) => time?.toISOString().slice(0, timeZone === undefined ? 10 : 16) ?? '';
    return (hit?.search?.times ?? []).map(({ from, to }) => `${dayOf(from)}/${dayOf(to)}`).join(' ');
  }

  test.each([
    ['on 19 November', '2025-11-19/2025-11-20'],
    ['last week', '2026-03-09/2026-03-16'],
    ['in March 2022', '2022-03-01/2022-04-01'],
    ['yesterday', '2026-03-17/2026-03-18'],
    ['since Monday', '2026-03-16/2026-03-19'],
    ['in May', '2025-05-01/2025-06-01'],
    ['two weeks ago', '2026-03-02/2026-03-09'],
    ['in the last 3 days', '2026-03-15/2026-03-19'],
    ['last weekend', '2026-03-14/2026-03-16'],
    ['in 2023', '2023-01-01/2024-01-01'],
    ['before 2022', '/2022-01-01'],
    ['until March 2022', '/2022-04-01'],
    ['after 5 May 2023', '2023-05-06/'],
    ['between August 11 and August 15 2023', '2023-08-11/2023-08-16'],
    ['the week before 16 November 2023', '2023-11-09/2023-11-16'],
    ['on 2023-05-08', '2023-05-08/2023-05-09'],
    // Some write the day first, and others the month.
    ['on 1/2/2023', '2023-02-01/2023-02-02 2023-01-02/2023-01-03'],
    // Saturday is in the past or to come.
    ['on Saturday', '2026-03-21/2026-03-22 2026-03-14/2026-03-15'],
    ['Was geschah am 19. November?', '2025-11-19/2025-11-20'],
    ['im März 2022', '2022-03-01/2022-04-01'],
    ['seit gestern', '2026-03-17/2026-03-19'],
    ['la semaine dernière', '2026-03-09/2026-03-16'],
    ["Que s'est-il passé hier ?", '2026-03-17/2026-03-18'],
    ['en marzo de 2022', '2022-03-01/2022-04-01'],
    ['la semana pasada', '2026-03-09/2026-03-16'],
    ['em março de 2022', '2022-03-01/2022-04-01'],
    ['vorige week', '2026-03-09/2026-03-16'],
    ['la settimana scorsa', '2026-03-09/2026-03-16'],
    ['förra veckan', '2026-03-09/2026-03-16'],
    ['на прошлой неделе', '2026-03-09/2026-03-16'],
    ['11月19日に何がありましたか', '2025-11-19/2025-11-20 2026-11-19/2026-11-20'],
    ['上周发生了什么', '2026-03-09/2026-03-16'],
  ])('are found: %s', async (question, expected) => {
    expect((await timesIn(question)).split(' ').sort()).toEqual(expected.split(' ').sort());
  });

  test.each([
    'What does May like?',
    'Can I march on?',
    'the cat sat on the sun',
    'Tell me about the August Macke painting',
    'Was ist hier los?',
    'order 4711, version 1.2.3 at 10.0.0.1',
    'for 5 years, at 5',
    'mayo or ketchup now',
    'in a second',
  ])('are not seen in words that mean something else: %s', async (question) => {
    expect(await timesIn(question)).toBe('');
  });

  test('begin and end with the days of the time zone, also where the clocks change', async () => {
    expect(await timesIn('yesterday', 'Asia/Tokyo')).toBe('2026-03-16T15:00/2026-03-17T15:00');
    expect(await timesIn('on 29 March 2026', 'Europe/Rome')).toBe('2026-03-28T23:00/2026-03-29T22:00');
    await expect(store.admin.recall('note', { timeZone: 'Mars/Olympus' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: ['timeZone'] }],
    });
  });
});

describe('the part of a score for a time', () => {
  test('brings up the memories of that time, also those that words do not find, and leaves out none', async () => {
    const store = await openInMemory({ clock: fakeClock(now) });
    const texts = ['The parcel arrived.', 'We had dinner.', 'The parcel was sent.', 'A parcel is a box.'];
    const ages = [400, 119.2, 120, 1];
    for (const [i, text] of texts.entries())
      await store.admin.remember(text, { namespace, validFrom: now - (ages[i] as number) * day });
    const question = 'What happened to the parcel on 18 November 2025?';
    for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
      const hits = await store.admin.recall(question, { mode, explain: true });
      const [first, second] = mode === 'semantic' ? hits.toSorted((a, b) => a.text.length - b.text.length) : hits;
      expect([hits.length, hits[0]?.text]).toEqual([4, 'The parcel was sent.']);
      expect([first, second].map((hit) => hit?.parts?.time ?? 0).some((part) => part > 0)).toBe(true);
      const dinner = hits.find(({ text }) => text === 'We had dinner.');
      expect(dinner?.parts?.time).toBeGreaterThan(0.2);
      const without = await store.admin.recall(question, { mode, explain: true, time: false });
      for (const { parts, search } of without) {
        expect(parts).not.toHaveProperty('time');
        expect(search).not.toHaveProperty('times');
      }
    }
  });

  test('is explained, adds up with the others, stays within 1, and changes neither order nor hits with topK and threshold', async () => {
    const memory = fc.record({
      text: fc.constantFrom('apple', 'apple banana', 'cherry', 'banana cherry apple'),
      priority: fc.constantFrom(0, 0.5, 1),
      validFrom: fc.integer({ min: now - 90 * day, max: now + 5 * day }),
      isEmbedded: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(memory, { minLength: 1, maxLength: 20 }),
        fc.constantFrom('hybrid' as const, 'semantic' as const, 'keyword' as const),
        fc.constantFrom('yesterday', 'last month', 'since February 2026', 'before March 2026', 'on 1/2/2026'),
        fc.constantFrom(0, 0.1, 0.4, 'likely' as const),
        async (memories, mode, when, threshold) => {
          const store = await openInMemory({ clock: fakeClock(now) });
          await store.admin.rememberMany(
            memories.map(({ isEmbedded, ...fields }) => ({
              ...{ ...fields, namespace },
              ...(isEmbedded ? {} : { embed: false as const }),
            })),
          );
          const ask = (options: object) =>
            store.admin.recall(`apple ${when}`, { mode, explain: true, distinct: false, ...options });
          const all = await ask({ topK: 100 });
          const plain = new Map((await ask({ topK: 100, time: false })).map(({ id, parts }) => [id, parts]));
          for (const { id, score, parts } of all) {
            const { semantic = 0, keyword = 0, recency, priority, time = 0 } = parts ?? { recency: 9, priority: 9 };
            expect(semantic + keyword + recency + priority + time).toBe(score);
            expect(score).toBeLessThanOrEqual(1);
            expect(time).toBeGreaterThanOrEqual(0);
            if (plain.has(id)) expect({ ...plain.get(id), time }).toEqual(parts);
          }
          expect([...plain.keys()].every((id) => all.some((hit) => hit.id === id))).toBe(true);
          const brief = (hits: readonly Hit[]) => hits.map(({ id, score }) => ({ id, score }));
          // Neither its time nor its age nor its priority makes a memory likely.
          const isAbove = ({ score, parts }: Hit) =>
            threshold === 'likely'
              ? (parts?.semantic ?? 0) + (parts?.keyword ?? 0) >= (mode === 'semantic' ? 0.46 : 0.42)
              : score >= threshold;
          const above = all.filter(isAbove);
          expect(brief(await ask({ topK: 3, threshold }))).toEqual(brief(above.slice(0, 3)));
          await store.close();
        },
      ),
      { numRuns: 25 },
    );
  });
});
