// A program of without-lance.slow.test.ts: uses a store that needs an index, and prints whether its answers are right and what it reported.
import { join } from 'node:path';
import { MemoryStore } from '../../src/index';

const words =
  'invoice parcel volcano violin surgery election penguin recipe glacier wedding engine poem ladder thunder'.split(' ');
const texts = Array.from({ length: 300 }, (_, i) => {
  const at = (step: number) => words[Math.floor(i / step) % words.length];
  return { text: `${at(1)} ${at(14)} ${at(3)} ${i}`, namespace: ['team'] };
});
const clock = { now: () => Date.UTC(2026, 0, 1) };

async function answersOf(store: MemoryStore): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const { text } of texts.filter((_, i) => i % 30 === 0)) {
    const hits = await store.admin.recall(text, { mode: 'semantic', topK: 1 });
    found.push(hits.map((hit) => [hit.text, hit.score]));
  }
  return found;
}

const folder = process.argv[2] as string;
const exact = await MemoryStore.open(join(folder, 'exact'), { clock });
await exact.admin.rememberMany(texts);
const expected = JSON.stringify(await answersOf(exact));
await exact.close();

const store = await MemoryStore.open(join(folder, 'indexed'), { clock, exactUpTo: 50 });
const degraded: unknown[] = [];
store.on('degraded', ({ part, error: { code, message } }) => void degraded.push({ part, code, message }));
await store.admin.rememberMany(texts);
await store.settled();
const before = JSON.stringify(await answersOf(store));
// After so many changes a store tries a failed build again.
await store.admin.rememberMany(Array.from({ length: 1200 }, (_, i) => ({ text: `Other ${i}`, namespace: ['team'] })));
await store.settled();
const { problems } = await store.verify({ repair: true });
await store.close();
console.log(JSON.stringify({ isRight: before === expected, degraded, problems }));
