import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coarseStep, firstCoarseRow, packModel, trainedWeights } from '../../src/embedding/built-in/build/pack-model';
import { builtInEmbedder, earlierBuiltInEmbedders } from '../../src/embedding/built-in/built-in-embedder';
import { modelHash } from '../../src/embedding/built-in/model.generated';
import {
  decodeModel,
  decodePackedModel,
  encodeModel,
  type PackedModel,
  readModel,
  unpackRows,
} from '../../src/embedding/built-in/model-file';
import { StaticEncoder } from '../../src/embedding/built-in/static-encoder';
import { WordPieces } from '../../src/embedding/built-in/word-pieces';
import { embedderConformance } from '../../src/testing/embedder-conformance';

const embedder = builtInEmbedder();
const embed = async (text: string) => (await embedder.embedDocuments([text], {}))[0]!;
const similarity = async (a: string, b: string) => {
  const [x, y] = [await embed(a), await embed(b)];
  return x.reduce((sum, value, i) => sum + value * y[i]!, 0);
};

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  // With lone surrogates and NUL characters.
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

  test('has a space named after its weights', () => {
    expect(embedder.space).toEqual({
      model: `built-in-english sha256:${modelHash}`,
      dimensions: 256,
      normalized: true,
    });
  });

  test('returns a vector of length 1 for every text', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const vector = await embed(text);
        expect(vector.every(Number.isFinite)).toBe(true);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      }),
    );
  });

  test('returns equal vectors for equal texts, as document and as query, regardless of other calls', async () => {
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
  ])('recognises a similar meaning without a common word: %s', async (text, near, far) => {
    expect(await similarity(text, near)).toBeGreaterThan((await similarity(text, far)) + 0.1);
  });

  test('ignores case, accents and the kind of white space', async () => {
    expect(await embed('CAFÉ\u00a0noir\r\n')).toEqual(await embed('cafe noir'));
  });

  test.each(['refund 🎉', 'refund🎉', '👩🏽‍💻refund❤️', '🇳🇴refund'])(
    'gives a word next to emoji the same vector as the word alone: %s',
    async (text) => {
      expect(await similarity(text, 'refund')).toBeCloseTo(1, 5);
    },
  );

  test('splits words of more than 100 characters', async () => {
    expect(await similarity('x'.repeat(100_000), 'x'.repeat(700))).toBeGreaterThan(0.99);
    expect(await similarity(`${'refund/'.repeat(20)}`, 'refund')).toBeGreaterThan(0.5);
  });

  test('returns different vectors for different texts that contain no known piece of a word', async () => {
    expect(await similarity('🎉', '🎉')).toBeCloseTo(1, 5);
    expect(await similarity('🎉', '🐙')).toBeLessThan(0.5);
  });

  test('ignores text beyond `maxTokens`', async () => {
    const read = 'word '.repeat(embedder.maxTokens);
    expect(await embed(`${read} violin`)).toEqual(await embed(read));
  });

  test('lets other work run while it embeds many texts', async () => {
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

  test('stops between two texts when its signal is aborted', async () => {
    const controller = new AbortController();
    const texts = Array.from({ length: 5_000 }, (_, i) => `My daughter plays the violin on day ${i}.`);
    const vectors = embedder.embedDocuments(texts, { signal: controller.signal });
    setImmediate(() => controller.abort(new Error('no longer wanted')));
    await expect(vectors).rejects.toThrow('no longer wanted');
  });

  test('returns the same numbers as in earlier releases, because stores contain them', async () => {
    const found = await Promise.all(['Refund', 'The customer wants a refund.', '🎉', ''].map(embed));
    expect(found.map((vector) => [...vector.subarray(0, 3)].map((x) => x.toFixed(4)).join(' '))).toMatchInlineSnapshot(`
      [
        "-0.1329 0.0000 -0.0664",
        "-0.0545 -0.0272 0.0194",
        "0.0625 0.0625 -0.0625",
        "0.0625 0.0625 -0.0625",
      ]
    `);
  });
});

describe('the file of the built-in model', () => {
  const path = new URL('../../src/embedding/built-in/built-in-model.bin', import.meta.url);
  const unpacked = async (model: PackedModel) => {
    const { pieces, dimensions } = model;
    return { pieces, dimensions, rows: await unpackRows(model) };
  };
  const trained = async () => decodeModel(await readFile(trainedWeights));

  test('has at most 3.5 MB, so that the package has at most 4 MB', async () => {
    expect((await readFile(path)).length).toBeLessThanOrEqual(3_500_000);
  });

  test('has the hash that the program expects', async () => {
    expect(sha256(await readFile(path))).toBe(modelHash);
  });

  test('contains the trained weights: frequent rows exactly, rare rows rounded to the nearest multiple of the step', async () => {
    const { pieces, rows, dimensions } = await unpacked(await readModel());
    const exact = await trained();
    expect([pieces.length, dimensions]).toEqual([29_523, embedder.space.dimensions]);
    expect(pieces).toEqual(exact.pieces);
    expect(exact.rows.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)).toBe(127);
    const coarse = firstCoarseRow * dimensions;
    expect(Buffer.from(rows.subarray(0, coarse)).equals(Buffer.from(exact.rows.subarray(0, coarse)))).toBe(true);
    const isNearest = (value: number, i: number) =>
      i < coarse || (value % coarseStep === 0 && Math.abs(value - exact.rows[i]!) <= coarseStep / 2);
    expect(rows.findIndex((value, i) => !isNearest(value, i))).toBe(-1);
  });

  test('equals the packed trained weights', async () => {
    const [packed, shipped] = await Promise.all(
      [decodePackedModel(packModel(await trained())), await readModel()].map(unpacked),
    );
    expect(packed!.pieces).toEqual(shipped!.pieces);
    expect(Buffer.from(packed!.rows).equals(Buffer.from(shipped!.rows))).toBe(true);
  });

  test('contains one vector for each piece, no zero vector, and no piece twice', async () => {
    const { pieces, rows, dimensions } = await unpacked(await readModel());
    expect(new Set(pieces).size).toBe(pieces.length);
    expect(rows.length).toBe(pieces.length * dimensions);
    const zero = pieces.filter((_, row) =>
      rows.subarray(row * dimensions, (row + 1) * dimensions).every((x) => x === 0),
    );
    expect(zero).toEqual([]);
  });

  test('decodes to the model that was encoded', () => {
    const model = { pieces: ['a', '##é', '漢'], rows: Int8Array.of(1, -2, 127, -127, 0, 5), dimensions: 2 };
    expect(decodeModel(encodeModel(model))).toEqual(model);
  });

  test('decodes to the packed model with its rare rows rounded, and is packed into equal bytes every time', async () => {
    const pieces = Array.from({ length: firstCoarseRow + 1 }, (_, i) => `piece${i}`);
    const rows = Int8Array.from({ length: 2 * pieces.length }, (_, i) => (i % 255) - 127);
    rows.set([-127, 7], 2 * firstCoarseRow);
    const rounded = rows.slice();
    rounded.set([-125, 5], 2 * firstCoarseRow);
    const model = { pieces, rows, dimensions: 2 };
    const packed = packModel(model);
    expect(await unpacked(decodePackedModel(packed))).toEqual({ ...model, rows: rounded });
    expect(packModel(model).equals(packed)).toBe(true);
  });

  test('is rejected with EMBEDDER_MISSING and advice if it is absent, truncated or altered', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'built-in-model-'));
    const whole = await readFile(path);
    const other = Buffer.from(whole);
    other[2_000_000]! ^= 1;
    await writeFile(join(folder, 'truncated.bin'), whole.subarray(0, 2_500_000));
    await writeFile(join(folder, 'empty.bin'), '');
    await writeFile(join(folder, 'other.bin'), other);
    await copyFile(trainedWeights, join(folder, 'earlier-release.bin'));
    for (const file of ['absent.bin', 'truncated.bin', 'empty.bin', 'other.bin', 'earlier-release.bin']) {
      await expect(readModel(join(folder, file))).rejects.toMatchObject({
        code: 'EMBEDDER_MISSING',
        message: expect.stringMatching(new RegExp(`${file}.*Install the\\s+package again`, 's')),
      });
    }
    await rm(folder, { recursive: true });
  });
});

describe('the built-in embedder of an earlier release', () => {
  test('has a space named after the SHA-256 of the unrounded trained weights, as in that release', async () => {
    const hash = sha256(await readFile(trainedWeights));
    expect(earlierBuiltInEmbedders().map(({ space }) => space)).toEqual([
      { model: `built-in-english sha256:${hash}`, dimensions: 256, normalized: true },
    ]);
  });

  test('returns vectors close to those from that release: cosine .99 on average, at least .95', async () => {
    const model = decodeModel(await readFile(trainedWeights));
    const exact = new StaticEncoder(model, await WordPieces.of(model.pieces));
    // Most words of the vocabulary are rare, so their rows are rounded.
    const words = model.pieces.filter((piece) => /^[a-z]{3,}$/.test(piece));
    const texts = Array.from({ length: 500 }, (_, i) => words.filter((_, word) => word % 2_000 === i).join(' '));
    const [earlier] = earlierBuiltInEmbedders();
    const vectors = await earlier!.embedDocuments(texts, {});
    const cosines = texts.map((text, i) => exact.encode(text).reduce((sum, x, k) => sum + x * vectors[i]![k]!, 0));
    expect(Math.min(...cosines)).toBeGreaterThan(0.95);
    expect(cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length).toBeGreaterThan(0.99);
  });
});
