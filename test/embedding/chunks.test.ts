import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateTokens, maxChunks, splitIntoChunks } from '../../src/embedding/chunks';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.lorem({ maxCount: 200 }),
  fc.string({
    unit: fc.constantFrom('a', 'é', ' ', '7', '.', '漢', '가', '😀', '\ud83d', '\ude00', '\0'),
    maxLength: 400,
  }),
);
const budget = fc.integer({ min: 4, max: 64 });

/** No character occurs twice, and no lone surrogate is half of a pair, so that every chunk has one position in the text. */
const distinctText = fc
  .uniqueArray(
    fc.oneof(
      fc.integer({ min: 0, max: 0x17f }),
      fc.integer({ min: 0x2000, max: 0x200a }),
      fc.integer({ min: 0xac00, max: 0xac80 }),
      fc.integer({ min: 0xd900, max: 0xd940 }),
      fc.integer({ min: 0x1f600, max: 0x1f680 }),
    ),
    { maxLength: 400, size: 'max' },
  )
  // A form feed ends a section, and white space around it is in no chunk.
  .map((codes) => String.fromCodePoint(...codes.filter((code) => code !== 0x0c)));

describe('splitIntoChunks', () => {
  test('returns a text that fits as its only chunk', () => {
    expect(splitIntoChunks('The refund goes to the card.', 256)).toEqual(['The refund goes to the card.']);
    expect(splitIntoChunks('', 256)).toEqual(['']);
    expect(splitIntoChunks('word '.repeat(10_000), Number.MAX_SAFE_INTEGER)).toHaveLength(1);
  });

  test('cuts a longer text at white space, with overlapping neighbours', () => {
    const text = 'one two three four five six seven eight nine ten eleven twelve';
    expect(splitIntoChunks(text, 12)).toEqual([
      'one two three four five six ',
      'six seven eight nine ten ',
      'ten eleven twelve',
    ]);
  });

  test('splits at form feeds first, however short the text is', () => {
    expect(splitIntoChunks('Refunds\n\fThree days.\n\f', 256)).toEqual(['Refunds', 'Three days.']);
    expect(splitIntoChunks('\f \f', 256)).toEqual(['\f \f']);
    expect(splitIntoChunks('one\f', 256)).toEqual(['one\f']);
    const long = 'one two three four five six seven eight nine ten eleven twelve';
    expect(splitIntoChunks(`Title\f${long}`, 12)).toEqual(['Title', ...splitIntoChunks(long, 12)]);
  });

  test('ignores form feeds if they divide a text into more than 1,024 sections', () => {
    expect(splitIntoChunks(Array(1_024).fill('x').join('\f'), 256)).toHaveLength(1_024);
    const text = Array(1_025).fill('x').join('\f');
    expect(splitIntoChunks(text, Number.MAX_SAFE_INTEGER)).toEqual([text]);
  });

  test('covers a text of one megabyte in sections with at most 4,096 chunks', () => {
    const sections = Array.from({ length: 1_000 }, (_, i) => `section ${i} ${'word '.repeat(200)}end ${i}`);
    const chunks = splitIntoChunks(sections.join('\n\f\n'), 256);
    expect(chunks.length).toBeLessThanOrEqual(maxChunks);
    for (const i of [0, 500, 999]) {
      expect(chunks.some((chunk) => chunk.startsWith(`section ${i} `))).toBe(true);
      expect(chunks.some((chunk) => chunk.endsWith(`end ${i}`))).toBe(true);
    }
  });

  test('cuts a word that is longer than a chunk, and lets its chunks overlap in the same way', () => {
    const chunks = splitIntoChunks('x'.repeat(2000), 102);
    expect(chunks.slice(0, 2).map((chunk) => chunk.length)).toEqual([186, 186]);
    expect(chunks.join('').length).toBeGreaterThan(2000 * 1.1);
    expect(chunks.join('').length).toBeLessThan(2000 * 1.2);
  });

  test('returns chunks in order that cover every character', () => {
    fc.assert(
      fc.property(distinctText, budget, (text, maxTokens) => {
        let [start, end] = [-1, 0];
        for (const chunk of splitIntoChunks(text, maxTokens)) {
          const place = text.indexOf(chunk);
          expect(place).toBeGreaterThan(start);
          expect(place).toBeLessThanOrEqual(end);
          [start, end] = [place, place + chunk.length];
        }
        expect(end).toBe(text.length);
      }),
    );
  });

  test('returns no chunk longer than `maxTokens`, including the two markers', () => {
    fc.assert(
      fc.property(anyText, budget, (text, maxTokens) => {
        for (const chunk of splitIntoChunks(text, maxTokens))
          expect(estimateTokens(chunk)).toBeLessThanOrEqual(maxTokens - 2);
      }),
    );
  });

  test('never cuts a surrogate pair', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), budget, (text, maxTokens) => {
        for (const chunk of splitIntoChunks(text, maxTokens)) expect(chunk).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });

  test('finishes for every `maxTokens`, even below 1', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(-1, 0, 1, 2, 3), (text, maxTokens) => {
        expect(splitIntoChunks(text, maxTokens).length).toBeLessThanOrEqual(Math.max(1, text.length));
      }),
    );
  });

  test(`returns at most ${maxChunks} chunks`, () => {
    expect(splitIntoChunks('漢'.repeat(2_000_000), 256)).toHaveLength(maxChunks);
  });

  test('covers a text of one megabyte, in English and in Chinese', () => {
    for (const text of ['word '.repeat(200_000), '漢'.repeat(333_333)]) {
      const chunks = splitIntoChunks(text, 256);
      expect(chunks.length).toBeLessThan(maxChunks);
      expect(text.endsWith(chunks.at(-1)!)).toBe(true);
    }
  });
});

describe('estimateTokens counts', () => {
  test.each([
    ['no token in an empty text', '', 0],
    ['three letters or spaces as one token', 'refund it', 3],
    ['each digit', '4417', 4],
    ['each punctuation mark', '?!', 2],
    ['each Chinese character', '退款', 2],
    ['each emoji', '😀', 1],
    ['each Korean syllable as two tokens', '환불', 4],
  ])('%s', (_, text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens);
  });
});
