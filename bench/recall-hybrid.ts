import { questionOf } from './shared/corpus';
import { type Asked, hybridRecall, ticketsOf } from './shared/exhaustive';
import { quantile } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

/** Hybrid search over all memories, from the first query after opening, when no word is cached. */
export const recallHybrid: Question = {
  name: 'recall-hybrid',
  asks: 'What does a hybrid recall over all memories cost, end to end, with queries of 3 to 6 words and a vector?',
  async run(setting) {
    const vectors = new Vectors(setting.memories);
    const folder = await copyOfLoaded(setting);
    const store = await openStore(folder);
    await store.settled();
    const questions: Asked[] = Array.from({ length: samples(setting, 1_000) }, (_, i) => ({
      ...questionOf(vectors, i),
      as: (store) => store.as({ agentId: 'agent' }),
    }));
    const agent = store.as({ agentId: 'agent' });
    await calm();
    const ms: number[] = [];
    const found: number[][] = [];
    for (const { words, vector } of questions) {
      ms.push(await milliseconds(async () => void found.push(ticketsOf(await agent.recall(words, { vector })))));
    }
    await store.close();
    const recall = await hybridRecall(folder, questions.slice(0, samples(setting, 150)), found);
    return [
      row({ name: 'recall-hybrid, p95', value: quantile(ms, 0.95), unit: 'ms', recall, goal: { atMost: 5 } }),
      row({ name: 'recall-hybrid, median', value: quantile(ms, 0.5), unit: 'ms', recall, goal: { atMost: 2.5 } }),
    ];
  },
};
