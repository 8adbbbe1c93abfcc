import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Embedder, minilm } from 'multi-agent-memory';
import { givenVectors, questionOf } from './shared/corpus';
import { quantile } from './shared/figures';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

/**
 * A hybrid search with the model in it: every question goes through MiniLM, as long as it takes, and is then searched with the
 * vector that the benchmark has for it, since those of its memories are no model's.
 */
export const recallMiniLm: Question = {
  name: 'recall-minilm',
  asks: 'What does a hybrid recall over everything cost with MiniLM, the embedding of the question included?',
  async run(setting) {
    const { models } = setting;
    if (!existsSync(join(models, 'Xenova/all-MiniLM-L6-v2')))
      return { skipped: `there is no MiniLM in ${models} (--models FOLDER)` };
    const vectors = new Vectors(setting.memories);
    const model = minilm({ localPath: models });
    let vector = new Float32Array();
    const embedder: Embedder = {
      ...givenVectors,
      embedQuery: async (text, call) => {
        await model.embedQuery(text, call);
        return vector;
      },
    };
    const store = await openStore(await copyOfLoaded(setting), { embedder });
    await store.settled();
    await model.embedQuery('The first text loads the model.', {});
    const agent = store.as({ agentId: 'agent' });
    await calm();
    const ms: number[] = [];
    for (let i = 0; i < samples(setting, 500); i++) {
      const question = questionOf(vectors, i);
      vector = question.vector as Float32Array<ArrayBuffer>;
      ms.push(await milliseconds(() => agent.recall(question.words)));
    }
    await store.close();
    return [
      row({ name: 'recall with MiniLM, p95', value: quantile(ms, 0.95), unit: 'ms', goal: { atMost: 20 } }),
      row({ name: 'recall with MiniLM, median', value: quantile(ms, 0.5), unit: 'ms' }),
    ];
  },
};
