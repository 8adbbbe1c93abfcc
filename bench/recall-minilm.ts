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
 * Hybrid search including the time of the model. Every query is embedded by MiniLM, but searched with the vector of the benchmark,
 * since the vectors of the stored memories come from no model.
 */
export const recallMiniLm: Question = {
  name: 'recall-minilm',
  asks: 'What does a hybrid recall over all memories cost with MiniLM, including the embedding of the query?',
  async run(setting) {
    const { models } = setting;
    if (!existsSync(join(models, 'Xenova/all-MiniLM-L6-v2')))
      return { skipped: `${models} does not contain Xenova/all-MiniLM-L6-v2 (set --models FOLDER)` };
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
