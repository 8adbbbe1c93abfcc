import { cp, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Embedder, MemoryStore, minilm, transformersEmbedder } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { codeOf, openFolder, refusal, temporaryFolder } from '../store/stores';
import { modelFolder, modelIsMissing } from './model-folder';

const namespace = ['support'];
const model = 'Xenova/all-MiniLM-L6-v2';
const weights = 'onnx/model_quantized.onnx';

/** Asserts that calls which need a vector fail with `code`, and that all other calls work. */
async function worksWithout(store: MemoryStore, id: string, code: string): Promise<void> {
  const before = await store.admin.count();
  expect(await codeOf(() => store.admin.remember('not to be stored', { namespace }))).toBe(code);
  expect(await codeOf(() => store.admin.update(id, { text: 'not to be changed' }))).toBe(code);
  expect(await codeOf(() => store.admin.recall('refund', { mode: 'semantic' }))).toBe(code);
  // `recall` does not silently fall back to keywords.
  expect(await codeOf(() => store.admin.recall('refund'))).toBe(code);
  expect((await store.admin.recall('refund', { mode: 'keyword' })).map((hit) => hit.id)).toEqual([id]);
  expect(await store.admin.get(id)).toMatchObject({ text: 'The refund goes to the card.', revision: 1 });
  expect(await store.admin.count()).toBe(before);
  expect(await store.verify()).toEqual({ ok: true, problems: [] });
}

async function storeOf(embedder: Embedder): Promise<{ folder: string; id: string }> {
  const folder = await temporaryFolder();
  const store = await openFolder(folder, { embedder });
  const { id } = await store.admin.remember('The refund goes to the card.', { namespace });
  await store.close();
  return { folder, id };
}

describe.skipIf(modelIsMissing !== undefined)(
  `a store with MiniLM vectors rejects only calls that need a vector (${modelIsMissing ?? 'the model is present'})`,
  () => {
    test('if the model folder is missing', async () => {
      const { folder, id } = await storeOf(minilm({ localPath: modelFolder }));
      const nowhere = await temporaryFolder();
      const store = await openFolder(folder, { embedder: minilm({ localPath: nowhere }) });
      await worksWithout(store, id, 'EMBEDDER_MISSING');
      expect((await refusal(() => store.admin.recall('refund'))).message).toContain(nowhere);
    });

    test('while the model file is truncated', async () => {
      const { folder, id } = await storeOf(minilm({ localPath: modelFolder }));
      const models = await temporaryFolder();
      await cp(join(modelFolder, model), join(models, model), { recursive: true });
      await truncate(join(models, model, weights), 1_000_000);
      const store = await openFolder(folder, { embedder: minilm({ localPath: models }) });
      await worksWithout(store, id, 'EMBEDDER_MISSING');
      await writeFile(join(models, model, weights), await readFile(join(modelFolder, model, weights)));
      expect(await store.admin.recall('refund', { mode: 'semantic' })).toHaveLength(1);
    });

    test('if it is opened without an embedder, after `open` rejected other dimensions and another pooling', async () => {
      const { folder, id } = await storeOf(transformersEmbedder({ model, dimensions: 384, localPath: modelFolder }));
      for (const other of [{ dimensions: 128 }, { dimensions: 384, pooling: 'cls' as const }]) {
        const embedder = transformersEmbedder({ model, localPath: modelFolder, ...other });
        expect(await codeOf(() => MemoryStore.open(folder, { embedder }))).toBe('EMBEDDER_MISMATCH');
      }
      const plain = await openFolder(folder);
      await worksWithout(plain, id, 'EMBEDDER_MISSING');
    });

    test('if the model has fewer dimensions than the option `dimensions`', async () => {
      const store = await openFolder(await temporaryFolder(), {
        embedder: transformersEmbedder({ model, dimensions: 768, localPath: modelFolder }),
      });
      const error = await refusal(() => store.admin.remember('The refund goes to the card.', { namespace }));
      expect([error.code, error.message]).toEqual(['EMBEDDER_MISMATCH', expect.stringContaining('384')]);
      expect(await store.admin.count()).toBe(0);
    });

    test('if the tokenizer is missing', async () => {
      const { folder, id } = await storeOf(minilm({ localPath: modelFolder }));
      const models = await temporaryFolder();
      await mkdir(join(models, model, 'onnx'), { recursive: true });
      await cp(join(modelFolder, model, weights), join(models, model, weights));
      const store = await openFolder(folder, { embedder: minilm({ localPath: models }) });
      await worksWithout(store, id, 'EMBEDDER_MISSING');
    });
  },
);
