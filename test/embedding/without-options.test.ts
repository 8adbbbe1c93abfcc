import { expect, test } from 'vitest';
import { batchingEmbedder } from '../../src/embedding/batching/batching-embedder';
import { builtInEmbedder } from '../../src/embedding/built-in/built-in-embedder';
import type { Embedder } from '../../src/embedding/embedder';
import { transformersEmbedder } from '../../src/embedding/local-models/transformers-embedder';
import { fromLangChain } from '../../src/embedding/providers/langchain';

/** An embedder as JavaScript programs may call it: without options. */
interface Lenient {
  embedDocuments(texts: readonly string[]): Promise<readonly Float32Array[]>;
  embedQuery(text: string): Promise<Float32Array>;
}
const lenient = (embedder: Embedder) => embedder as unknown as Lenient;

const langChain = {
  embedDocuments: async (texts: string[]) => texts.map(() => [1, 0]),
  embedQuery: async () => [1, 0],
};

test.each([
  ['the built-in embedder', builtInEmbedder()],
  ['the batching embedder', batchingEmbedder(builtInEmbedder())],
  ['the LangChain embedder', fromLangChain(langChain, { model: 'two', dimensions: 2 })],
])('%s embeds if a call has no options', async (_, embedder) => {
  expect(await lenient(embedder).embedDocuments(['x'])).toEqual([expect.any(Float32Array)]);
  expect(await lenient(embedder).embedQuery('x')).toEqual(expect.any(Float32Array));
});

test('a call without options rejects if the model is missing', async () => {
  const embedder = lenient(transformersEmbedder({ model: 'no/model', dimensions: 2, localPath: '/nowhere' }));
  await expect(embedder.embedDocuments(['x'])).rejects.toMatchObject({ code: 'EMBEDDER_MISSING' });
  await expect(embedder.embedQuery('x')).rejects.toMatchObject({ code: 'EMBEDDER_MISSING' });
});
