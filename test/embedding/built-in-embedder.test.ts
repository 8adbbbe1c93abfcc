import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtInEmbedder } from '../../src/embedding/built-in/built-in-embedder';
import { modelHash } from '../../src/embedding/built-in/model.generated';
import { decodeModel, encodeModel, readModel } from '../../src/embedding/built-in/model-file';
import { embedderConformance } from '../../src/testing/embedder-conformance';

const embedder = builtInEmbedder();
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
  fc.constantFrom(
    '',
    '\0',
    '😀',
    '\ud800',
    '\udc00x',
    '!?',
    'مرحبا',
    '漢',
    'a',
    ' \n\t',
    '[UNK]',
    '[SEP]',
    '__proto__',
  ),
);

describe('the built-in embedder', () => {
  for (const { name, run } of embedderConformance(async () => builtInEmbedder())) test(name, run);

  test('names its space by its weights', () => {
    expect(embedder.space).toEqual({
      model: `built-in-english sha256:${modelHash}`,
      dimensions: 256,
      normalized: true,
    });
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

  test('gives equal texts equal vectors, as documents and as queries, whatever came between', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (text, other) => {
        const before = await embed(text);
        await embed(other);
        expect(await builtInEmbedder().embedQuery(text, {})).toEqual(before);
      }),
    );
  });

  test.each([
    ['The money was paid back to her card.', 'The customer got a refund.', 'The customer has a violin.'],
    ['How old is the dog?', "The puppy's age is two years.", 'The deployment failed in two steps.'],
    ['A physician works in the clinic.', 'The doctor is at the hospital.', 'The baker is at the market.'],
    ['My car broke down.', 'The automobile needs repair.', 'The orchestra needs rehearsal.'],
  ])('knows meanings without a word in common: %s', async (text, near, far) => {
    expect(await similarity(text, near)).toBeGreaterThan((await similarity(text, far)) + 0.1);
  });

  test('reads upper case, accents and any white space alike', async () => {
    expect(await embed('CAFÉ\u00a0noir\r\n')).toEqual(await embed('cafe noir'));
  });

  test.each(['refund 🎉', 'refund🎉', '👩🏽‍💻refund❤️', '🇳🇴refund'])(
    'knows a word beside emoji as it knows it alone: %s',
    async (text) => {
      expect(await similarity(text, 'refund')).toBeCloseTo(1, 5);
    },
  );

  test('reads words that are too long for any dictionary', async () => {
    expect(await similarity('x'.repeat(100_000), 'x'.repeat(700))).toBeGreaterThan(0.99);
    expect(await similarity(`${'refund/'.repeat(20)}`, 'refund')).toBeGreaterThan(0.5);
  });

  test('tells texts of which it knows nothing apart', async () => {
    expect(await similarity('🎉', '🎉')).toBeCloseTo(1, 5);
    expect(await similarity('🎉', '🐙')).toBeLessThan(0.5);
  });

  test('reads no further than maxTokens', async () => {
    const read = 'word '.repeat(embedder.maxTokens);
    expect(await embed(`${read} violin`)).toEqual(await embed(read));
  });

  test('lets other work have its turn', async () => {
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await embedder.embedDocuments(Array(2_000).fill('My daughter plays the violin on Tuesdays.'), {});
    isDone = true;
    expect(turns).toBeGreaterThan(5);
  });

  test('stops between texts when it is aborted', async () => {
    const controller = new AbortController();
    const texts = Array.from({ length: 5_000 }, (_, i) => `My daughter plays the violin on day ${i}.`);
    const vectors = embedder.embedDocuments(texts, { signal: controller.signal });
    setImmediate(() => controller.abort(new Error('no longer wanted')));
    await expect(vectors).rejects.toThrow('no longer wanted');
  });

  test('stays as it is: these numbers are in stores', async () => {
    const found = await Promise.all(['Refund', 'The customer wants a refund.', '🎉', ''].map(embed));
    expect(found.map((vector) => [...vector.subarray(0, 3)].map((x) => x.toFixed(4)).join(' '))).toMatchInlineSnapshot(`
      [
        "-0.1440 -0.0131 -0.0851",
        "-0.0540 -0.0424 0.0000",
        "0.0625 0.0625 -0.0625",
        "0.0625 0.0625 -0.0625",
      ]
    `);
  });
});

describe('the file of the built-in model', () => {
  const path = new URL('../../src/embedding/built-in/built-in-model.bin', import.meta.url);

  test('has at most 8 MB', async () => {
    expect((await readFile(path)).length).toBeLessThanOrEqual(8_000_000);
  });

  test('is the one that the program names, rounded with the largest number at 127', async () => {
    const bytes = await readFile(path);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(modelHash);
    const { pieces, rows, dimensions } = decodeModel(bytes);
    expect([pieces.length, dimensions]).toEqual([29_523, embedder.space.dimensions]);
    expect(rows.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)).toBe(127);
  });

  test('holds a vector for every piece of a word, none of them zero, and no piece twice', async () => {
    const { pieces, rows, dimensions } = decodeModel(await readFile(path));
    expect(new Set(pieces).size).toBe(pieces.length);
    expect(rows.length).toBe(pieces.length * dimensions);
    const zero = pieces.filter((_, row) =>
      rows.subarray(row * dimensions, (row + 1) * dimensions).every((x) => x === 0),
    );
    expect(zero).toEqual([]);
  });

  test('is read as it was written', () => {
    const model = { pieces: ['a', '##é', '漢'], rows: Int8Array.of(1, -2, 127, -127, 0, 5), dimensions: 2 };
    expect(decodeModel(encodeModel(model))).toEqual(model);
  });

  test('is refused when it is absent, truncated or another, with what to do', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'built-in-model-'));
    const whole = await readFile(path);
    const other = Buffer.from(whole);
    other[4_000_000]! ^= 1;
    await writeFile(join(folder, 'truncated.bin'), whole.subarray(0, 5_000_000));
    await writeFile(join(folder, 'other.bin'), other);
    for (const file of ['absent.bin', 'truncated.bin', 'other.bin']) {
      await expect(readModel(join(folder, file))).rejects.toMatchObject({
        code: 'EMBEDDER_MISSING',
        message: expect.stringMatching(new RegExp(`${file}.*Install the\\s+package again`, 's')),
      });
    }
    await rm(folder, { recursive: true });
  });
});
