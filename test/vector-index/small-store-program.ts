// A program of without-lance.slow.test.ts: uses a small store and prints which parts of LanceDB were loaded.
import { createRequire } from 'node:module';
import { MemoryStore } from '../../src/index';

const store = await MemoryStore.open(process.argv[2] as string);
await store.admin.rememberMany(
  Array.from({ length: 50 }, (_, i) => ({ text: `Customer ${i} prefers a call in the morning.`, namespace: ['team'] })),
);
const hits = await store.admin.recall('When does customer 7 want a call?', { topK: 3 });
await store.settled();
await store.verify();
await store.close();

const pattern = /lancedb|apache-arrow/;
const { sharedObjects } = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
const modules = Object.keys(createRequire(import.meta.url).cache);
if (!modules.some((file) => file.includes('better-sqlite3')))
  throw new Error('Expected to see the modules that are loaded.');
console.log(
  JSON.stringify({ hits: hits.length, loaded: [...modules, ...sharedObjects].filter((file) => pattern.test(file)) }),
);
