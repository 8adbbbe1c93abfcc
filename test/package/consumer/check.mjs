import assert from 'node:assert/strict';
import { story } from './story.mjs';

/** Everything that this folder asks of one format of the package. */
export async function check(memory, testing) {
  assert.equal(typeof memory.MemoryStore.open, 'function');
  assert.ok(Object.keys(testing).length > 0);
  await story(memory);
}
