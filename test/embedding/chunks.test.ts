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

/** No character twice, nor a lone surrogate that is half of another, so that every part has one place in the text. */
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
  .map((codes) => String.fromCodePoint(...codes));

describe('a text is split into parts that an embedder can read', () => {
  test('a text that fits is its only part', () => {
    expect(splitIntoChunks('The refund goes to the card.', 256)).toEqual(['The refund goes to the card.']);
    expect(splitIntoChunks('', 256)).toEqual(['']);
    expect(splitIntoChunks('word '.repeat(10_000), Number.MAX_SAFE_INTEGER)).toHaveLength(1);
  });

  test('a longer one is cut at white space, and neighbours overlap', () => {
    const text = 'one two three four five six seven eight nine ten eleven twelve';
    expect(splitIntoChunks(text, 12)).toEqual([
      'one two three four five six ',
      'six seven eight nine ten ',
      'ten eleven twelve',
    ]);
  });

  test('a word longer than a part is cut too, with the same overlap', () => {
    const parts = splitIntoChunks('x'.repeat(2000), 102);
    expect(parts.slice(0, 2).map((part) => part.length)).toEqual([186, 186]);
    expect(parts.join('').length).toBeGreaterThan(2000 * 1.1);
    expect(parts.join('').length).toBeLessThan(2000 * 1.2);
  });

  test('every character is in a part, and the parts are in order', () => {
    fc.assert(
      fc.property(distinctText, budget, (text, maxTokens) => {
        let [start, end] = [-1, 0];
        for (const part of splitIntoChunks(text, maxTokens)) {
          const place = text.indexOf(part);
          expect(place).toBeGreaterThan(start);
          expect(place).toBeLessThanOrEqual(end);
          [start, end] = [place, place + part.length];
        }
        expect(end).toBe(text.length);
      }),
    );
  });

  test('no part is longer than the embedder reads, its two markers included', () => {
    fc.assert(
      fc.property(anyText, budget, (text, maxTokens) => {
        for (const part of splitIntoChunks(text, maxTokens))
          expect(estimateTokens(part)).toBeLessThanOrEqual(maxTokens - 2);
      }),
    );
  });

  test('no surrogate pair is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), budget, (text, maxTokens) => {
        for (const part of splitIntoChunks(text, maxTokens)) expect(part).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });

  test('however little is read, the split comes to an end', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(-1, 0, 1, 2, 3), (text, maxTokens) => {
        expect(splitIntoChunks(text, maxTokens).length).toBeLessThanOrEqual(Math.max(1, text.length));
      }),
    );
  });

  test(`there are at most ${maxChunks} parts`, () => {
    expect(splitIntoChunks('漢'.repeat(2_000_000), 256)).toHaveLength(maxChunks);
  });

  test('a text of a megabyte is covered whole, in English and in Chinese', () => {
    for (const text of ['word '.repeat(200_000), '漢'.repeat(333_333)]) {
      const parts = splitIntoChunks(text, 256);
      expect(parts.length).toBeLessThan(maxChunks);
      expect(text.endsWith(parts.at(-1)!)).toBe(true);
    }
  });
});

describe('the tokens of a text are estimated', () => {
  test.each([
    ['nothing', '', 0],
    ['three letters or spaces a token', 'refund it', 3],
    ['every digit', '4417', 4],
    ['every mark', '?!', 2],
    ['every ideograph', '退款', 2],
    ['every emoji', '😀', 1],
    ['Korean syllables twice, for their letters', '환불', 4],
  ])('%s', (_, text, tokens) => {
    expect(estimateTokens(text)).toBe(tokens);
  });
});
