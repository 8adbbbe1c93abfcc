import { MemoryStore } from 'multi-agent-memory';
import { expect, test } from 'vitest';
import { openFolder, temporaryFolder } from '../store/stores';

const memories = 4_000;
const words = Array.from({ length: 400 }, (_, i) => `w${i}`);

/** The same texts in every run: some words are in many of them, most in few. */
function texts(count: number, length: number, seed: number): string[] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  const word = () => words[Math.floor(words.length * next() ** 2)];
  return Array.from({ length: count }, () => Array.from({ length }, word).join(' '));
}

test('a hybrid search of more memories than the exact limit finds the same hits as a search of all memories', async () => {
  const folder = await temporaryFolder();
  const store = await openFolder(folder, { exactUpTo: 1_000 });
  await store.admin.rememberMany(texts(memories, 30, 1).map((text) => ({ text, namespace: ['n'] })));
  const bare = await store.admin.remember('quartz zither', { namespace: ['n'], embed: false });
  await store.settled();
  const exact = await MemoryStore.open(folder, { readOnly: true, exactUpTo: memories });
  let found = 0;
  const questions = texts(40, 6, 2);
  for (const question of questions) {
    const ids = new Set((await exact.admin.recall(question)).map(({ id }) => id));
    found += (await store.admin.recall(question)).filter(({ id }) => ids.has(id)).length;
  }
  await exact.close();
  expect((await store.admin.recall('zither, quartz')).map(({ id }) => id)).toContain(bare.id);
  expect(found / (questions.length * 10)).toBeGreaterThanOrEqual(0.99);
});
