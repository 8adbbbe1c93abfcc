import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minilm } from '../../src/embedding/local-models/minilm';
import { type TransformersOptions, transformersEmbedder } from '../../src/embedding/local-models/transformers-embedder';
import { embedderConformance } from '../../src/testing/embedder-conformance';
import { modelFolder, modelIsMissing } from './model-folder';

const model = 'Xenova/all-MiniLM-L6-v2';
const sha256 = 'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1';
const weights = 'onnx/model_quantized.onnx';

const made = (options: Partial<TransformersOptions> = {}) =>
  transformersEmbedder({ model, dimensions: 384, localPath: modelFolder, ...options });

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const product = Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
  return product / (Math.hypot(...Array.from(a)) * Math.hypot(...Array.from(b)));
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'transformers-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('transformersEmbedder without its model', () => {
  test('returns an embedder whose space is named after the model', () => {
    const embedder = made({ localPath: join(folder, 'nowhere') });
    expect(embedder.space).toEqual({ model: `${model} ${weights}`, dimensions: 384, normalized: true });
    expect(embedder.maxTokens).toBe(512);
  });

  test('names the space after every option that changes the vectors', () => {
    const names = [
      made(),
      made({ sha256: sha256.replace('a', 'b') }),
      made({ quantized: false }),
      made({ pooling: 'cls' }),
      made({ prefix: { document: 'passage: ' } }),
      made({ model: 'Xenova/bge-small-en-v1.5' }),
    ].map(({ space }) => space.model);
    expect(new Set(names).size).toBe(names.length);
    // The query prefix changes no stored vector.
    expect(made({ prefix: { query: 'query: ' } }).space).toEqual(made().space);
    expect(made({ sha256 }).space).toEqual(minilm().space);
  });

  test('rejects the first text with EMBEDDER_MISSING and the path of the model', async () => {
    const localPath = join(folder, 'nowhere');
    await expect(made({ localPath }).embedQuery('refund', {})).rejects.toMatchObject({
      code: 'EMBEDDER_MISSING',
      message: expect.stringContaining(join(localPath, model)),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    });
  });

  test.each<[string, Record<string, unknown>]>([
    ['model', { model: '' }],
    ['dimensions', { dimensions: undefined }],
    ['pooling', { pooling: 'max' }],
    ['prefix.documents', { prefix: { documents: 'x' } }],
    ['sha256', { sha256: 'abc' }],
    // It would start an unexpected download.
    ['localPath', { localPath: undefined }],
  ])('throws INVALID_INPUT for an invalid %s', (path, wrong) => {
    let error: unknown;
    try {
      made(wrong as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'INVALID_INPUT', issues: [{ path: path.split('.') }] });
  });
});

describe.skipIf(modelIsMissing !== undefined)(
  `transformersEmbedder with a model${modelIsMissing ? ` (${modelIsMissing})` : ''}`,
  () => {
    describe('with mean pooling', () => {
      for (const { name, run } of embedderConformance(async () => made())) test(name, run);
    });

    describe('with CLS pooling, 128 dimensions and prefixes', () => {
      const create = async () =>
        made({
          dimensions: 128,
          pooling: 'cls',
          prefix: { document: 'passage: ', query: 'passage: ' },
          maxTokens: 128,
        });
      for (const { name, run } of embedderConformance(create)) test(name, run);
    });

    const texts = ['Refund!', '', 'Café — 4417 👍', '客户想要退款', 'She plays the violin on Tuesdays. '.repeat(5)];

    test.each(['mean', 'cls'] as const)(
      'returns the vectors of the pipeline of transformers.js with pooling %s',
      async (pooling) => {
        const { pipeline, env } = await import('@xenova/transformers');
        const before = { localModelPath: env.localModelPath, allowRemoteModels: env.allowRemoteModels };
        Object.assign(env, { localModelPath: modelFolder, allowRemoteModels: false });
        const extract = await pipeline('feature-extraction', model);
        Object.assign(env, before);
        const vectors = await made({ pooling }).embedDocuments(texts, {});
        for (const [i, text] of texts.entries()) {
          const { data } = await extract(text, { pooling, normalize: true });
          expect(cosine(vectors[i]!, data as Float32Array)).toBeGreaterThan(0.999);
        }
      },
    );

    test("returns the first `dimensions` numbers of the model's vectors, scaled to length 1", async () => {
      const whole = await made().embedDocuments(texts, {});
      const cut = await made({ dimensions: 100 }).embedDocuments(texts, {});
      for (const [i, vector] of cut.entries()) {
        expect(vector).toHaveLength(100);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
        expect(cosine(vector, whole[i]!.subarray(0, 100))).toBeCloseTo(1, 6);
      }
    });

    test('adds the prefixes to documents and queries', async () => {
      const embedder = made({ prefix: { document: 'passage: ', query: 'query: ' } });
      const [plainDocument, plainQuery] = await made().embedDocuments(['passage: refund', 'query: refund'], {});
      expect((await embedder.embedDocuments(['refund'], {}))[0]).toEqual(plainDocument);
      expect(await embedder.embedQuery('refund', {})).toEqual(plainQuery);
      expect(embedder.maxTokens).toBeLessThan(512);
    });

    test('rejects with EMBEDDER_MISMATCH and both numbers if `dimensions` is larger than the vectors of the model', async () => {
      await expect(made({ dimensions: 768 }).embedQuery('refund', {})).rejects.toMatchObject({
        code: 'EMBEDDER_MISMATCH',
        message: expect.stringMatching(/384.*768/),
      });
    });

    test('shares one loaded model between embedders of the same file', async () => {
      const localPath = linkedModel('shared');
      const embedders = [made({ localPath }), made({ localPath, pooling: 'cls' }), made({ localPath, dimensions: 64 })];
      await embedders[0]!.embedQuery('refund', {});
      rmSync(localPath, { recursive: true });
      for (const embedder of embedders) await embedder.embedQuery('violin', {});
      await expect(made({ localPath, quantized: false }).embedQuery('refund', {})).rejects.toMatchObject({
        code: 'EMBEDDER_MISSING',
      });
    });

    test('has a space named after the hash of the weights file, whether `sha256` is given or not', () => {
      expect(made().space).toEqual(minilm().space);
      const localPath = linkedModel('replaced', 1_000_000);
      const before = made({ localPath }).space;
      expect(made({ localPath }).space).toEqual(before);
      truncateSync(join(localPath, model, weights), 999_999);
      expect(made({ localPath }).space.model).not.toBe(before.model);
    });

    test('rejects with EMBEDDER_MISSING if the weights were replaced after the embedder was made', async () => {
      const localPath = linkedModel('swapped', 22_972_370);
      const embedder = made({ localPath });
      truncateSync(join(localPath, model, weights), 1_000_000);
      await expect(embedder.embedQuery('refund', {})).rejects.toMatchObject({
        code: 'EMBEDDER_MISSING',
        message: expect.stringContaining('1000000 bytes'),
      });
    });

    test('rejects with EMBEDDER_MISSING and both hashes if the weights have another hash than `sha256`', async () => {
      const other = sha256.replace('a', 'b');
      await expect(made({ sha256: other }).embedQuery('refund', {})).rejects.toMatchObject({
        code: 'EMBEDDER_MISSING',
        message: expect.stringMatching(new RegExp(`${sha256}[^]*${other}`)),
      });
    });

    test('rejects truncated weights with EMBEDDER_MISSING, even without `sha256`', async () => {
      const localPath = linkedModel('truncated', 1_000_000);
      await expect(made({ localPath }).embedQuery('refund', {})).rejects.toMatchObject({
        code: 'EMBEDDER_MISSING',
        message: expect.stringContaining('truncated'),
      });
    });

    test('rejects missing weights with EMBEDDER_MISSING and the name of the file', async () => {
      await expect(made({ quantized: false }).embedQuery('refund', {})).rejects.toMatchObject({
        code: 'EMBEDDER_MISSING',
        message: expect.stringContaining('onnx/model.onnx'),
      });
    });

    /** A folder with the model. Its weights are a copy with this many bytes, or a link to the original. */
    function linkedModel(name: string, bytes?: number): string {
      const [from, to] = [join(modelFolder, model), join(folder, name, model)];
      mkdirSync(dirname(join(to, weights)), { recursive: true });
      for (const file of ['tokenizer.json', 'tokenizer_config.json']) cpSync(join(from, file), join(to, file));
      if (bytes === undefined) symlinkSync(join(from, weights), join(to, weights));
      else {
        writeFileSync(join(to, weights), readFileSync(join(from, weights)));
        truncateSync(join(to, weights), bytes);
      }
      return join(folder, name);
    }
  },
);
