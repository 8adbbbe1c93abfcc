import fc from 'fast-check';
import { type Hit, toContext } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { openInMemory } from '../store/stores';

const namespace = ['support'];
const filler = 'The meeting went on about the office plants, the coffee machine and the parking lot. ';
const fact = 'Mrs Adeyemi wants her refund for order 4417 on the Visa card ending 0921.';
const other = 'The elevator inspection moved to the second Tuesday of October.';

/** A note with a fact in the middle of much else. */
function note(sentence: string, before: number, after: number): string {
  return `${filler.repeat(before)}${sentence} ${filler.repeat(after)}`.trim();
}

function isExcerptOf({ text, excerpt }: Hit): void {
  const { text: part, start, end } = excerpt ?? { text: '', start: 0, end: 0 };
  expect(part).toBe(text.slice(start, end));
  expect(part.length).toBeGreaterThan(0);
  expect(part.length).toBeLessThanOrEqual(600);
  expect(part.isWellFormed()).toBe(true);
}

describe('the excerpt of a hit', () => {
  test.each([
    ['hybrid', 'how does Mrs Adeyemi want her refund?'],
    ['keyword', 'refunds of Adeyemi'],
    ['semantic', 'how does Mrs Adeyemi want her refund?'],
  ] as const)('contains the matching part of the text, wherever it is (mode %s)', async (mode, query) => {
    for (const [before, after] of [
      [0, 60],
      [30, 30],
      [60, 0],
    ] as const) {
      const store = await openInMemory();
      await store.admin.remember(note(fact, before, after), { namespace });
      const [hit] = await store.admin.recall(query, { mode });
      isExcerptOf(hit as Hit);
      expect(hit?.excerpt?.text).toContain(fact);
    }
  });

  test('shows another part of the same text for another query', async () => {
    const store = await openInMemory();
    await store.admin.remember(`${note(fact, 30, 30)} ${note(other, 30, 30)}`, { namespace });
    const excerptFor = async (query: string) => (await store.admin.recall(query))[0]?.excerpt?.text;
    expect(await excerptFor('refund of order 4417')).toContain(fact);
    expect(await excerptFor('when is the elevator inspected?')).toContain(other);
  });

  test.each([
    ['Chinese', '客户想把钱退回信用卡。', '今天的会议讨论了办公室的植物和停车场。', '退回信用卡'],
    [
      'German',
      'Die Rückzahlung geht auf die Karte.',
      'Wir sprachen über Pflanzen und Parkplätze im Hof. ',
      'Rückzahlung',
    ],
    ['emoji', 'The zebra 🦓 is on the card.', '🎉🎉 plants 👩‍👩‍👧‍👦 and cars. ', 'zebra'],
    ['letters that get longer in lower case', 'The refund is for İpek.', 'İİ plants and cars İİ. ', 'refund'],
  ])('contains the matching sentence of a text in or with %s', async (_, sentence, rest, query) => {
    const store = await openInMemory();
    await store.admin.remember(`${rest.repeat(80)}${sentence}${rest.repeat(80)}`, { namespace, embed: false });
    const [hit] = await store.admin.recall(query, { mode: 'keyword' });
    isExcerptOf(hit as Hit);
    expect(hit?.excerpt?.text).toContain(sentence.trim());
  });

  test('is absent if the text has at most 600 characters', async () => {
    const store = await openInMemory();
    await store.admin.remember('x'.repeat(600), { namespace, key: 'short' });
    await store.admin.remember('y'.repeat(601), { namespace, key: 'long' });
    const hits = await store.admin.recall('x');
    expect(hits.find(({ key }) => key === 'short')).not.toHaveProperty('excerpt');
    isExcerptOf(hits.find(({ key }) => key === 'long') as Hit);
  });

  test('is a well-formed piece of the text, for any text', async () => {
    const words = fc.constantFrom(
      'refund',
      ' ',
      '🦓',
      'é',
      'İ',
      '\n',
      '客户',
      'x'.repeat(90),
      '\u2028',
      '\u0301',
      '👩‍👩‍👧‍👦',
    );
    const texts = fc.array(words, { minLength: 300, maxLength: 500 }).map((parts) => `refund ${parts.join('')}`);
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const store = await openInMemory();
        await store.admin.remember(text, { namespace });
        for (const hit of await store.admin.recall('refund 🦓 客户')) if (text.length > 600) isExcerptOf(hit);
        await store.close();
      }),
      { numRuns: 20 },
    );
  });
});

describe('toContext', () => {
  test('uses the excerpt of a hit whose whole text does not fit, and marks it as an excerpt', async () => {
    const store = await openInMemory();
    const text = note(fact, 29, 29);
    expect(text.length).toBeGreaterThan(4_900);
    await store.admin.remember(text, { namespace });
    await store.admin.remember('Refunds take three days.', { namespace });
    const hits = await store.admin.recall('how does Mrs Adeyemi want her refund?');
    expect(hits[0]?.text).toBe(text);
    const block = toContext(hits, { maxTokens: 1_000 });
    const { start, end } = (hits[0] as Hit).excerpt as { start: number; end: number };
    expect(block.text).toContain(`[excerpt: characters ${start} to ${end} of ${text.length}]`);
    expect(block.text).toContain(fact);
    expect(block).toMatchObject({ used: hits, excerpts: 1, omitted: 0 });
    expect(block.tokens).toBeLessThanOrEqual(1_000);
  });

  test('uses the whole text if it fits, and leaves the hit out if not even the excerpt fits', async () => {
    const store = await openInMemory();
    const text = note(fact, 29, 29);
    await store.admin.remember(text, { namespace });
    const hits = await store.admin.recall('refund');
    const whole = toContext(hits, { maxTokens: 2_000 });
    expect(whole).toMatchObject({ excerpts: 0, omitted: 0 });
    expect(whole.text).toContain(text);
    expect(toContext(hits, { maxTokens: 150 })).toMatchObject({ text: '', excerpts: 0, omitted: 1 });
  });

  test('passes the excerpt to a custom format as the text of the hit', async () => {
    const store = await openInMemory();
    await store.admin.remember(note(fact, 29, 29), { namespace });
    const hits = await store.admin.recall('refund');
    const { text } = toContext(hits, { maxTokens: 400, format: (hit) => `- ${hit.text}` });
    expect(text).toMatch(/- \[excerpt: characters \d+ to \d+ of \d+\]\n… /);
    expect(text).toContain(fact);
  });
});
