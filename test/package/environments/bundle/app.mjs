import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStore } from 'multi-agent-memory';

// Prints what it found, or the error.
const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
MemoryStore.open(folder, { exactUpTo: 20 })
  .then(async (store) => {
    const degraded = [];
    store.on('degraded', ({ error }) => degraded.push(error.message));
    const texts = Array.from({ length: 60 }, (_, i) => ({ text: `Parcel ${i} left.`, namespace: ['a'] }));
    await store.admin.rememberMany(texts);
    await store.settled();
    const [{ text }] = await store.admin.recall('Parcel 33', { topK: 1 });
    await store.close();
    console.log(JSON.stringify({ text, degraded }));
  })
  .catch(({ code, message }) => console.log(JSON.stringify({ code, message })))
  .finally(() => rmSync(folder, { recursive: true, force: true }));
