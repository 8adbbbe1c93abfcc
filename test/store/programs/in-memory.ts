/** Uses a store in memory for everything, then tells what of native code and of heavy libraries was loaded for it. */
import { createRequire } from 'node:module';
import { allow, MemoryStore } from '../../../src/index';

const store = await MemoryStore.inMemory({ access: [allow('everyone', 'writer', [])] });
const agent = store.as({ agentId: 'billing' }, { namespace: ['support'] });
await agent.rememberMany(Array.from({ length: 50 }, (_, i) => ({ text: `The refund number ${i}.` })));
await agent.recall('refund');
await agent.recall('refund', { mode: 'keyword', filter: { priority: 0.5 } });
await store.settled();
await store.verify({ repair: true });
await store.close();

const modules = Object.keys(createRequire(import.meta.url).cache);
const report = process.report.getReport() as unknown as { sharedObjects: string[] };
const heavy = [...modules, ...report.sharedObjects].filter((path) =>
  /lancedb|apache-arrow|xenova|onnx|sharp/.test(path),
);
process.send?.({ heavy, knowsNative: report.sharedObjects.some((path) => path.includes('better_sqlite3')) });
