import { performance } from 'node:perf_hooks';
import { customerOf, type LargeStore } from './million';
import { questionOf, teamOf } from './shared/corpus';
import { quantile } from './shared/figures';
import { openStore } from './shared/store';
import { calm, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const [folder, memories] = JSON.parse(process.argv[2] ?? '') as [string, number];
const queries = 200;
const vectors = new Vectors(memories);
const questions = Array.from({ length: queries }, (_, i) => ({
  ...questionOf(vectors, i),
  ticket: vectors.memoryOf(i),
}));
const megabytes = () => process.memoryUsage().rss / 2 ** 20;

const start = performance.now();
const store = await openStore(folder);
const openMs = performance.now() - start;
const agent = { agentId: 'agent' };
const [first] = questions as [(typeof questions)[number]];
const hits = await store.as(agent).recall(first.words, { vector: first.vector });
const answerMs = performance.now() - start;
if (hits.length === 0) throw new Error('The opened store found no memory.');
const openedMb = megabytes();
await store.settled();

const kinds = [
  { name: 'semantic', mode: 'semantic', scopeOf: () => ({}), goal: 15 },
  { name: 'hybrid, over all', mode: 'hybrid', scopeOf: () => ({}), goal: 30 },
  { name: 'hybrid, over 5 %', mode: 'hybrid', scopeOf: (ticket: number) => ({ namespace: teamOf(ticket) }), goal: 15 },
  {
    name: 'hybrid, over 200 memories',
    mode: 'hybrid',
    scopeOf: (ticket: number) => ({ userId: customerOf(memories, ticket) }),
    goal: 3,
  },
] as const;

const searches: { name: string; p95: number; goal: number }[] = [];
for (const { name, mode, scopeOf, goal } of kinds) {
  const ask = ({ words, vector, ticket }: (typeof questions)[number]) =>
    store.as(agent, scopeOf(ticket)).recall(words, { mode, vector });
  for (const question of questions.slice(0, 20)) await ask(question);
  await calm();
  const ms: number[] = [];
  for (const question of questions) ms.push(await milliseconds(() => ask(question)));
  searches.push({ name, p95: quantile(ms, 0.95), goal });
}
const searchedMb = megabytes();
await store.close();
process.send?.({ openMs, answerMs, openedMb, searchedMb, searches } satisfies LargeStore);
