import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Embedder, type MemoryStore, minilm, transformersEmbedder } from 'multi-agent-memory';
import { describe, expect, test } from 'vitest';
import { codeOf, ended, openFolder, refusal, temporaryFolder } from '../store/stores';
import { modelFolder, modelIsMissing } from './model-folder';

const model = 'Xenova/all-MiniLM-L6-v2';
const weights = 'onnx/model_quantized.onnx';
const namespace = ['support'];

/** A folder with one memory, `known`, that MiniLM embedded. */
async function folderWithMemory(): Promise<{ folder: string; id: string }> {
  const folder = await temporaryFolder();
  const store = await openFolder(folder, { embedder: minilm({ localPath: modelFolder }) });
  const { id } = await store.admin.remember('The known refund goes to the card.', { namespace, key: 'known' });
  await ended(store);
  return { folder, id };
}

async function expectReadable({ admin }: MemoryStore, id: string): Promise<void> {
  expect((await admin.get(id))?.text).toBe('The known refund goes to the card.');
  expect((await admin.get({ namespace, key: 'known' }))?.id).toBe(id);
  expect((await admin.recall('refund', { mode: 'keyword' })).map((hit) => hit.id)).toEqual([id]);
  expect(await admin.count()).toBe(1);
}

async function brokenModel(bytes: number): Promise<string> {
  const localPath = await temporaryFolder();
  const to = join(localPath, model);
  mkdirSync(dirname(join(to, weights)), { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    cpSync(join(modelFolder, model, file), join(to, file));
  writeFileSync(join(to, weights), readFileSync(join(modelFolder, model, weights)));
  truncateSync(join(to, weights), bytes);
  return localPath;
}

const faults: [string, () => Promise<Embedder>][] = [
  ['folder is missing', async () => minilm({ localPath: join(await temporaryFolder(), 'nowhere') })],
  ['file is truncated', async () => minilm({ localPath: await brokenModel(1_000_000) })],
  ['file is empty', async () => minilm({ localPath: await brokenModel(0) })],
  ['tokenizer is missing', async () => minilm({ localPath: await withoutTokenizer() })],
];

async function withoutTokenizer(): Promise<string> {
  const localPath = await brokenModel(22_972_370);
  rmSync(join(localPath, model, 'tokenizer.json'));
  return localPath;
}

describe.skipIf(modelIsMissing !== undefined)(
  `a store of MiniLM${modelIsMissing ? ` (${modelIsMissing})` : ''}`,
  () => {
    test.each(faults)(
      'whose %s: says so, writes nothing, stays readable, and goes on when it is well',
      { timeout: 30_000 },
      async (_, broken) => {
        const { folder, id } = await folderWithMemory();
        const store = await openFolder(folder, { embedder: await broken() });
        const { admin } = store;
        const error = await refusal(() => admin.remember('A new parcel.', { namespace }));
        expect(error.code).toBe('EMBEDDER_MISSING');
        expect(error.message).toContain(model);
        expect(await codeOf(() => admin.update(id, { text: 'A new text.' }))).toBe('EMBEDDER_MISSING');
        // No silent fall-back to keywords.
        expect(await codeOf(() => admin.recall('Where is the refund?'))).toBe('EMBEDDER_MISSING');
        await expectReadable(store, id);
        await ended(store);
        const again = await openFolder(folder, { embedder: minilm({ localPath: modelFolder }) });
        await again.admin.remember('A new parcel.', { namespace });
        expect(await again.admin.recall('parcel', { mode: 'semantic' })).toHaveLength(2);
        expect((await again.verify()).ok).toBe(true);
      },
    );

    test('opened with a model of other dimensions: EMBEDDER_MISMATCH that names both, and it opens without', async () => {
      const { folder, id } = await folderWithMemory();
      const embedder = transformersEmbedder({ model, dimensions: 128, localPath: modelFolder });
      const error = await refusal(() => openFolder(folder, { embedder }));
      expect(error.code).toBe('EMBEDDER_MISMATCH');
      expect(error.message).toMatch(/384.*128/s);
      await expectReadable(await openFolder(folder), id);
    });
  },
);
