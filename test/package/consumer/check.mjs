import assert from 'node:assert/strict';
import { story } from './story.mjs';

/** Checks one format of the package. */
export async function check(memory, testing) {
  await story(memory);
  const { builtInEmbedder, minilm, MemoryError } = memory;
  for (const { run } of testing.embedderConformance(async () => builtInEmbedder())) await run();

  // The optional peer dependency is not installed. The error names the command that installs it.
  const missing = (error) =>
    MemoryError.is(error) &&
    error.code === 'EMBEDDER_MISSING' &&
    error.message.includes('npm install @xenova/transformers@2.17.2');
  await assert.rejects(minilm().embedQuery('query', {}), missing);
}
