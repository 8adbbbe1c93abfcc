import type { GrowthTimes } from './growth';
import { largeMemoryOf } from './million';
import { questionOf } from './shared/corpus';
import { quantile } from './shared/figures';
import { openStore } from './shared/store';
import { calm, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const [folder, memories] = JSON.parse(process.argv[2] ?? '') as [string, number];
const samples = Math.min(200, memories);
const warmUp = 20;
const vectors = new Vectors(memories);
const store = await openStore(folder);
await store.settled();
const agent = store.as({ agentId: 'agent' });

/** Measures a call: single times, and the processor time of all calls together, which includes threads that work for them. */
async function measured(call: (i: number) => Promise<unknown>): Promise<GrowthTimes['remember']> {
  for (let i = 0; i < warmUp; i++) await call(i);
  await calm();
  const ms: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < samples; i++) ms.push(await milliseconds(() => call(warmUp + i)));
  const { user, system } = process.cpuUsage(before);
  return { median: quantile(ms, 0.5), p95: quantile(ms, 0.95), processor: (user + system) / 1_000 / samples };
}

// Made before the measurement, which would otherwise include them.
const questions = Array.from({ length: warmUp + samples }, (_, i) => questionOf(vectors, i));
const items = questions.map((_, i) => largeMemoryOf(vectors, memories, memories + i));

const recall = (mode: 'hybrid' | 'semantic') => (i: number) => {
  const { words, vector } = questions[i] as (typeof questions)[number];
  return agent.recall(words, { mode, vector });
};
const remember = (i: number) => {
  const { text, ...options } = items[i] as (typeof items)[number];
  return agent.remember(text, options);
};
const times: GrowthTimes = {
  'hybrid recall': await measured(recall('hybrid')),
  'semantic recall': await measured(recall('semantic')),
  remember: await measured(remember),
};
await store.close();
process.send?.(times);
// Not waited for: threads of the native libraries.
process.disconnect?.();
