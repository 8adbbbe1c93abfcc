import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import * as imported from 'multi-agent-memory';

// Both builds in one process, and a worker thread beside them.
const namespace = ['support'];
const own = fileURLToPath(import.meta.url);

if (isMainThread) {
  const required = createRequire(import.meta.url)('multi-agent-memory');
  assert.notEqual(required.MemoryStore, imported.MemoryStore);
  const folder = await mkdtemp(join(tmpdir(), 'copies-'));
  try {
    await bothBuilds(required, folder);
    await threads(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
} else {
  const store = await imported.MemoryStore.connect(workerData, { takeOver: true });
  await store.admin.remember('From a thread: the parcel left.', { namespace });
  await store.close();
  const refused = await imported.MemoryStore.open(workerData).catch((error) => error);
  parentPort.postMessage({ code: refused.code, message: refused.message });
}

async function bothBuilds(required, folder) {
  const first = await imported.MemoryStore.open(folder);
  const second = await required.MemoryStore.open(folder);
  const { id } = await first.admin.remember('The refund goes to the card.', { namespace });
  assert.equal((await second.admin.get(id)).text, 'The refund goes to the card.');
  await first.close();
  assert.equal((await second.admin.recall('refund')).length, 1);
  const error = await second.admin.remember('', { namespace }).catch((thrown) => thrown);
  assert.ok(imported.MemoryError.is(error));
  await second.close();
}

async function threads(folder) {
  const store = await imported.MemoryStore.connect(folder, { takeOver: true });
  const worker = new Worker(own, { workerData: folder });
  const refused = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  assert.equal(refused.code, 'STORE_HELD');
  assert.match(refused.message, /which is this process.*connect\(folder, \{ takeOver: true \}\)/);
  assert.equal((await store.admin.recall('parcel', { topK: 1 }))[0].text, 'From a thread: the parcel left.');
  await store.close();
}
