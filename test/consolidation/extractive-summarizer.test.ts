import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coveringChoice } from '../../src/consolidation/coverage';
import { extractiveSummarizer } from '../../src/consolidation/extractive-summarizer';
import { sentencesOf } from '../../src/consolidation/sentences';
import type { FactDraft, SourceGroup } from '../../src/consolidation/summarizer';
import { summarizerConformance } from '../../src/testing/summarizer-conformance';
import { groupOf } from './source-group';

const factsOf = async (group: SourceGroup, ratio: number) =>
  (await extractiveSummarizer().summarize(group, { ratio })).facts;
const bytes = (texts: readonly { readonly text: string }[]) =>
  texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
const textOf = (facts: readonly FactDraft[]) => facts.map(({ text }) => text).join('\n');

describe('the extractive summarizer', () => {
  for (const { name, run } of summarizerConformance(async () => extractiveSummarizer())) test(name, run);
});

describe('for every group', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.lorem({ maxCount: 5, mode: 'sentences' }),
    fc.constantFrom(
      'Ann: I moved to Oslo. You know?',
      '我下周去上海。',
      'same',
      '{ "a": 1 }\n| x | y |\n',
      'x'.repeat(700),
    ),
  );
  const anyGroup = fc
    .record({ texts: fc.array(anyText, { maxLength: 30 }), authors: fc.constantFrom(1, 2) })
    .map(({ texts, authors }) => groupOf(texts, (i) => `agent ${i % authors}`));

  test('each fact quotes its sources, within the ratio, and the same group gives the same facts', async () => {
    await fc.assert(
      fc.asyncProperty(anyGroup, fc.double({ min: 0.001, max: 1, noNaN: true }), async (group, ratio) => {
        const facts = await factsOf(group, ratio);
        expect(bytes(facts)).toBeLessThanOrEqual(ratio * bytes(group.sources));
        for (const { text, from } of facts) {
          expect(from.length).toBeGreaterThan(0);
          expect(new Set(from).size).toBe(from.length);
          const sources = from.map((n) => group.sources.find((source) => source.n === n)?.text);
          expect(sources).not.toContain(undefined);
          const said = sources.join('\n').replace(/\s+/g, '');
          // The name of an author is the only thing that a fact adds.
          for (const line of text.split('\n'))
            for (const word of line.replace(/^agent \d: /, '').split(/\s+/)) expect(said).toContain(word);
        }
        expect(await factsOf(group, ratio)).toEqual(facts);
      }),
      { numRuns: 200 },
    );
  });
});

test('names, numbers and dates outweigh small talk', async () => {
  const facts = await factsOf(
    groupOf([
      'Ann: Oh, that is so nice of you! I am really happy to hear that.',
      'Ann: My sister Ingrid moved to Bergen in 2024. It is great when the weather is good there.',
    ]),
    0.4,
  );
  expect(facts).toEqual([{ text: 'Ann: My sister Ingrid moved to Bergen in 2024.', from: [2] }]);
});

test('a sentence that occurs in several sources is kept once and names all of them', async () => {
  const facts = await factsOf(groupOf(['The code is 4417. Hello.', 'Good morning. The code is 4417.']), 0.4);
  expect(facts).toEqual([{ text: 'The code is 4417.', from: [1, 2] }]);
});

test('the sentences of different speakers and authors keep their names', async () => {
  const chat = await factsOf(groupOf(['Ann: I like tea.', 'Bo: I like coffee.', 'Bo: I hate milk.']), 1);
  expect(textOf(chat)).toBe('Ann: I like tea.\nBo: I like coffee. I hate milk.');
  const notes = await factsOf(
    groupOf(['Tea costs 4 euros, and coffee 5.', 'Milk costs 2 euros.'], (i) => `agent ${i}`),
    1,
  );
  expect(textOf(notes)).toBe('agent 0: Tea costs 4 euros, and coffee 5.');
});

test('a group of questions only is summarized by questions, and beside statements they count half', async () => {
  const questions = ['Where is the red map?', 'Where is the new lamp?'];
  expect(textOf(await factsOf(groupOf(questions), 0.6))).toBe('Where is the red map?');
  const facts = await factsOf(groupOf([...questions, 'Near is the old lamp.']), 0.4);
  expect(textOf(facts)).toBe('Near is the old lamp.');
});

test('texts without spaces between words are cut at sentences and clauses', async () => {
  const chinese = '客户想要退款，她的订单号是4417。她下周三从上海回来。今天天气很好。';
  const facts = await factsOf(groupOf([chinese, '今天天气很好。', 'ฉันจะไปกรุงเทพในวันที่ 5 มีนาคม']), 0.5);
  expect(textOf(facts)).toContain('4417');
  const pieces = [...sentencesOf('这是很长的一句话，没有句号'.repeat(40))];
  expect(pieces.length).toBeGreaterThan(2);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(240);
  expect(pieces.join('')).toBe('这是很长的一句话，没有句号'.repeat(40));
});

test('code and tables are quoted line by line', async () => {
  const facts = await factsOf(
    groupOf(['function retry() {\n  return limit(4417);\n}\n', '| name | port |\n|---|---|\n| Redis | 6379 |\n']),
    0.5,
  );
  for (const line of textOf(facts).split('\n')) expect(line).toMatch(/retry|limit|name|Redis/);
  expect(facts.length).toBeGreaterThan(0);
});

test('a cut never divides a character, and a long word is cut', () => {
  const pieces = [...sentencesOf('😀'.repeat(1_000)), ...sentencesOf(`x${'😀'.repeat(1_000)}`)];
  for (const piece of pieces) expect(piece.isWellFormed()).toBe(true);
  expect([...sentencesOf('x'.repeat(1_000))].map(({ length }) => length)).toEqual([240, 240, 240, 240, 40]);
});

test('one source of 900 kB is summarized, and other work runs meanwhile', async () => {
  const sentence = (i: number) =>
    `The order ${i} of customer C${i % 97} was sent on day ${i % 31}, and it weighs ${i} grams. `;
  const text = Array.from({ length: 12_000 }, (_, i) => sentence(i))
    .join('')
    .slice(0, 900_000);
  let turns = 0;
  const count = setInterval(() => turns++, 0);
  const facts = await factsOf(groupOf([text]), 0.1);
  clearInterval(count);
  expect(bytes(facts)).toBeGreaterThan(85_000);
  expect(bytes(facts)).toBeLessThanOrEqual(90_000);
  expect(turns).toBeGreaterThan(10);
});

test('10,000 equal turns become one fact that names all of them', async () => {
  const facts = await factsOf(groupOf(Array.from({ length: 10_000 }, () => 'Ann: The code is 4417.')), 0.5);
  expect(facts).toHaveLength(1);
  expect(facts[0]!.text).toBe('Ann: The code is 4417.');
  expect(facts[0]!.from).toHaveLength(10_000);
});

test('the work grows with the number of turns, also if all use the same few words', async () => {
  const words = 'oak tea sun map red fox sea ink jar log pan rye tin urn vat wax yam zip elm fig'.split(' ');
  const texts = Array.from({ length: 12_000 }, (_, i) =>
    [1, 20, 400, 8_000].map((step) => words[Math.floor(i / step) % 20]).join(' '),
  );
  const used = async (count: number) => {
    const group = groupOf(texts.slice(0, count));
    const before = process.cpuUsage();
    await factsOf(group, 0.5);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  await used(1_500);
  // Eight times as many: quadratic work would take 64 times as long.
  expect((await used(12_000)) / (await used(1_500))).toBeLessThan(30);
});

test('a ratio of 1 keeps nearly all, and a ratio of .001 may keep nothing', async () => {
  const group = groupOf(Array.from({ length: 20 }, (_, i) => `Order ${i} was lost. It has ${i} parts.`));
  const all = await factsOf(group, 1);
  expect(bytes(all)).toBeGreaterThan(0.95 * bytes(group.sources));
  expect(bytes(all)).toBeLessThanOrEqual(bytes(group.sources));
  expect(await factsOf(group, 0.001)).toEqual([]);
});

test('an aborted call stops in the middle', async () => {
  const controller = new AbortController();
  const text = Array.from({ length: 20_000 }, (_, i) => `Order ${i} was sent. `).join('');
  const running = extractiveSummarizer().summarize(groupOf([text]), { ratio: 0.5, signal: controller.signal });
  controller.abort(new Error('no longer wanted'));
  await expect(running).rejects.toThrow('no longer wanted');
});

test('the choice covers what is worth most for its cost', () => {
  const candidate = (words: readonly number[], cost: number) => ({
    words,
    weights: words.map(() => 1),
    factor: 1,
    cost,
  });
  const all = [
    candidate([0, 1], 2),
    candidate([0, 1], 2),
    candidate([2], 2),
    candidate([3, 4, 5, 6], 9),
    candidate([], 1),
  ];
  expect([...coveringChoice(all, 7, 8)]).toEqual([0, 1, 2]);
  expect([...coveringChoice(all, 7, 1)]).toEqual([]);
});
