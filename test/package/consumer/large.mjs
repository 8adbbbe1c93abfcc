import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// A store that outgrows exact search. Arguments: 'import' or 'require', and 'without LanceDB' if its native part was removed.
const [format, without] = process.argv.slice(2);
const name = 'multi-agent-memory';
const { MemoryStore } = format === 'require' ? createRequire(import.meta.url)(name) : await import(name);

const folder = await mkdtemp(join(tmpdir(), 'large #1 %20 '));
const store = await MemoryStore.open(folder, { exactUpTo: 50 });
try {
  const degraded = [];
  store.on('degraded', ({ error }) => degraded.push(error.code));
  const texts = Array.from({ length: 200 }, (_, i) => ({
    text: `Parcel ${i} left for town ${i % 13}.`,
    namespace: ['a'],
  }));
  await store.admin.rememberMany(texts);
  await store.settled();
  const [hit] = await store.admin.recall('Parcel 117 left for town 0.', { topK: 1 });
  assert.equal(hit.text, texts[117].text);
  assert.deepEqual(degraded, without === undefined ? [] : ['INDEX_UNAVAILABLE']);
  assert.equal(existsSync(join(folder, 'index', 'manifest.json')), without === undefined);
} finally {
  await store.close();
  await rm(folder, { recursive: true, force: true });
}
