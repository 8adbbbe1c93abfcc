import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { hashingEmbedder } from '../../src/embedding/hashing-embedder';
import { embedderConformance } from '../../src/testing/embedder-conformance';

const embedder = hashingEmbedder();
const embed = async (text: string) => (await embedder.embedDocuments([text], {}))[0]!;
const similarity = async (a: string, b: string) => {
  const [x, y] = [await embed(a), await embed(b)];
  return x.reduce((sum, value, i) => sum + value * y[i]!, 0);
};

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  // Lone surrogates and NULs among them.
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('', '\0', '😀', '\ud800', '\udc00x', '!?', 'مرحبا', '漢', 'a', ' \n\t', 'x'.repeat(100_000)),
);

describe('the feature-hashing embedder', () => {
  for (const { name, run } of embedderConformance(async () => hashingEmbedder())) test(name, run);

  test('says what it is', () => {
    expect(embedder.space).toEqual({ model: 'feature-hashing-v1', dimensions: 384, normalized: true });
  });

  test('gives every text a vector of length 1', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const vector = await embed(text);
        expect(vector.every(Number.isFinite)).toBe(true);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      }),
    );
  });

  test('gives equal texts equal vectors, as documents and as queries', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        expect(await hashingEmbedder().embedQuery(text, {})).toEqual(await embed(text));
      }),
    );
  });

  test('stays as it is: these numbers are in stores', async () => {
    const first = async (text: string) =>
      [...(await embed(text))].flatMap((x, i) => (x === 0 ? [] : [[i, x] as const]))[0]!;
    const found = await Promise.all(['Refund', '漢字', '\ud800', ''].map(first));
    expect(found.map(([place, value]) => `${place} ${value.toFixed(4)}`)).toMatchInlineSnapshot(`
      [
        "15 -0.1667",
        "67 0.2887",
        "60 -0.4082",
        "0 1.0000",
      ]
    `);
  });

  test.each([
    ['without case', 'REFUND', 'refund'],
    ['with compatibility forms unified', 'Ｒｅｆｕｎｄ', 'refund'],
    ['without punctuation', 'refund, please!', 'refund please'],
    ['in any order', 'card refund', 'refund card'],
  ])('compares words %s', async (_, a, b) => {
    expect(await similarity(a, b)).toBeCloseTo(1, 5);
  });

  const unrelated = 'Parcels to Norway take nine days.';
  test.each([
    ['another form of a word', 'The customer was refunded yesterday', 'refunds'],
    ['a misspelt word', 'The order has a discount of ten percent', 'discuont'],
    ['a number', 'Customer 4417 wants the money on the card', '4417'],
    ['one word of a text without spaces', '客户想要退款到卡上，不要商店积分', '退款'],
    ['a word in right-to-left script', 'يريد العميل استرداد المبلغ', 'استرداد'],
    ['an emoji', 'thanks a lot 👍🎉', '🎉'],
    ['punctuation where there is nothing else', '?!?', '?!'],
  ])('finds a text by %s', async (_, text, query) => {
    expect(await similarity(text, query)).toBeGreaterThan(0.15 + (await similarity(unrelated, query)));
  });

  test('common words say less than others', async () => {
    const question = 'what did she do with the violin';
    expect(await similarity(question, 'a violin')).toBeGreaterThan(await similarity(question, 'what she did with the'));
  });

  test('a repeated word does not drown the others', async () => {
    expect(await similarity(`${'refund '.repeat(50)} violin`, 'violin')).toBeGreaterThan(0.1);
  });

  test('works under fake timers, however much there is to read', async () => {
    vi.useFakeTimers();
    try {
      expect(await embedder.embedDocuments(Array(50).fill('word '.repeat(1000)), {})).toHaveLength(50);
    } finally {
      vi.useRealTimers();
    }
  });

  test('stops between texts when the signal is aborted', async () => {
    const controller = new AbortController();
    const embedding = embedder.embedDocuments(Array(100).fill('word '.repeat(10_000)), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(embedding).rejects.toThrow('enough');
  });
});
