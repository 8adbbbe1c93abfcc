import { expect, test } from 'vitest';
import { answerableTexts } from '../../bench/shared/answerable';
import { issuePaths, openInMemory } from '../store/stores';

test('a question that nothing answers scores below one that a text answers, and `likely` tells them apart', async () => {
  const store = await openInMemory();
  await store.admin.rememberMany(answerableTexts.map(({ text }) => ({ text, namespace: ['texts'] })));
  const best = async (question: string) => (await store.admin.recall(question, { topK: 1 }))[0]?.score ?? 0;
  const likely = (question: string) => store.admin.recall(question, { threshold: 'likely' });
  const answered: number[] = [];
  const others: number[] = [];
  let [kept, noise] = [0, 0];
  for (const { text, answerable, unanswerable } of answerableTexts) {
    answered.push(await best(answerable));
    others.push(await best(unanswerable));
    kept += Number((await likely(answerable))[0]?.text === text);
    noise += Number((await likely(unanswerable)).length > 0);
  }
  const pairs = answered.flatMap((one) => others.map((other) => one > other));
  expect(pairs.filter(Boolean).length / pairs.length).toBeGreaterThanOrEqual(0.95);
  expect(kept / answerableTexts.length).toBeGreaterThanOrEqual(0.95);
  expect(noise / answerableTexts.length).toBeLessThanOrEqual(0.05);
});

test.each(['probably', -0.1, 1.1, null])('the threshold %j is rejected', async (threshold) => {
  const store = await openInMemory();
  expect(await issuePaths(() => store.admin.recall('note', { threshold: threshold as never }))).toEqual(['threshold']);
});
