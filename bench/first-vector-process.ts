import { performance } from 'node:perf_hooks';
import { MemoryStore, minilm } from 'multi-agent-memory';
import type { FirstVector } from './first-vector';

const [folder, embedder, models] = JSON.parse(process.argv[2] ?? '') as [string, string, string];
const before = process.memoryUsage().rss;
const start = performance.now();
const store = await MemoryStore.open(folder, embedder === 'minilm' ? { embedder: minilm({ localPath: models }) } : {});
const plain = embedder === 'none' ? { embed: false as const } : {};
await store.admin.remember('The customer wants the refund on the card.', { namespace: ['support'], ...plain });
const firstMs = performance.now() - start;
const addedMb = (process.memoryUsage().rss - before) / 1e6;
await store.close();
process.send?.({ firstMs, addedMb } satisfies FirstVector);
process.disconnect?.();
