const assert = require('node:assert/strict');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/** What a user's test does, with the library as its runner loaded it. Every value comes from the context of the runner. */
exports.story = async ({ MemoryStore, MemoryError, allow }) => {
  const folder = mkdtempSync(join(tmpdir(), 'environment-'));
  try {
    const access = [allow('everyone', 'writer', ['support'])];
    const store = await MemoryStore.open(join(folder, 'memory'), { access, exactUpTo: 20, serve: true });
    const degraded = [];
    store.on('degraded', ({ error }) => degraded.push(error.message));
    await writeAndFind(store.as({ agentId: 'billing' }, { namespace: ['support'] }));
    await buildIndex(store);
    assert.equal(degraded.join(), '');
    const connected = await MemoryStore.connect(join(folder, 'memory'));
    assert.equal(await connected.admin.count(), 61);
    await connected.close();
    await store.close();
    await failures({ MemoryStore, MemoryError }, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

async function writeAndFind(handle) {
  const expiresAt = new Date(Date.now() + 1e9);
  const { id } = await handle.remember('The refund goes to the card.', { expiresAt, metadata: { order: 'A-1182' } });
  const { signal } = new AbortController();
  const filter = { expiresAt: { gte: new Date() } };
  const [hit] = await handle.recall('refund', { topK: 1, signal, filter });
  assert.equal(hit.id, id);
  assert.equal(hit.expiresAt.getTime(), expiresAt.getTime());
  const vector = new Float32Array(256).fill(1);
  assert.equal((await handle.recall('refund', { vector, mode: 'semantic' })).length, 1);
}

async function buildIndex(store) {
  const texts = Array.from({ length: 60 }, (_, i) => ({ text: `Parcel ${i} left.`, namespace: ['support'] }));
  assert.equal((await store.admin.rememberMany(texts)).stored, 60);
  await store.settled();
  const [hit] = await store.admin.recall('Parcel 33', { topK: 1 });
  assert.equal(hit.text, 'Parcel 33 left.');
}

async function failures({ MemoryStore, MemoryError }, folder) {
  // An error of the context of the test, and one that the native part of SQLite makes.
  const embedder = {
    space: { model: 'failing', dimensions: 2, normalized: true },
    maxTokens: 100,
    embedDocuments: async () => {
      throw new TypeError('no such module');
    },
    embedQuery: async () => new Float32Array(2),
  };
  const store = await MemoryStore.inMemory({ embedder });
  const failed = await store.admin.remember('x', { namespace: ['a'] }).catch((error) => error);
  assert.ok(MemoryError.is(failed));
  assert.equal(`${failed.code} ${failed.retryable}`, 'EMBEDDING_FAILED false');
  assert.match(failed.message, /no such module/);
  const aborted = new AbortController();
  aborted.abort(new Error('enough'));
  const reason = await store.admin.recall('x', { signal: aborted.signal }).catch((error) => error);
  assert.equal(reason.message, 'enough');
  await store.close();
  const damaged = join(folder, 'damaged');
  await (await MemoryStore.open(damaged)).close();
  writeFileSync(join(damaged, 'memory.db'), 'no database '.repeat(1000));
  const refused = await MemoryStore.open(damaged).catch((error) => error);
  assert.equal(refused.code, 'RECORD_DAMAGED');
}
