import { performance } from 'node:perf_hooks';
import type { Opened } from './open';
import { questionOf } from './shared/corpus';
import { openStore } from './shared/store';
import { Vectors } from './shared/vectors';

const [folder, memories] = JSON.parse(process.argv[2] ?? '') as [string, number];
const { words, vector } = questionOf(new Vectors(memories), 0);
const start = performance.now();
const store = await openStore(folder);
const openMs = performance.now() - start;
const hits = await store.as({ agentId: 'agent' }).recall(words, { vector });
const answerMs = performance.now() - start;
if (hits.length === 0) throw new Error('The opened store found no memory.');
await store.close();
process.send?.({ openMs, answerMs } satisfies Opened);
