import assert from 'node:assert/strict';
import { story } from './story.mjs';

/** Everything that this folder asks of one format of the package. */
export async function check(memory, testing) {
  await story(memory);
  const { builtInEmbedder, minilm, MemoryError } = memory;
  for (const { run } of testing.embedderConformance(async () => builtInEmbedder())) await run();

  // The optional dependency was taken away: said when it is needed, and not before.
  const missing = (error) => MemoryError.is(error) && error.code === 'EMBEDDER_MISSING';
  await assert.rejects(minilm().embedQuery('query', {}), missing);
}
