import { BareLance } from './shared/bare-lance';
import { mean, median, shareFound } from './shared/figures';
import { nearest } from './shared/nearest';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { loadedFolder, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const warmUp = 30;

/** Semantic search over everything. */
export const recallSemantic: Question = {
  name: 'recall-semantic',
  asks: 'What does a semantic recall over everything cost, texts loaded, beside the bare search of LanceDB that gives ids?',
  async run(setting) {
    const vectors = new Vectors(setting.memories);
    const all = Array.from({ length: setting.memories }, (_, ticket) => vectors.of(ticket));
    const store = await openStore(await loadedFolder(setting));
    await store.settled();
    const agent = store.as({ agentId: 'agent' });
    const bare = await BareLance.create(setting.folder, all);
    const recall = async (vector: Float32Array) => {
      const hits = await agent.recall('nearest', { mode: 'semantic', vector, topK: 10 });
      return hits.map(({ metadata }) => metadata.ticket);
    };
    for (let i = 0; i < warmUp; i++) {
      await recall(vectors.ofQuestion(i));
      await bare.nearest(vectors.ofQuestion(i));
    }
    const questions = Array.from({ length: samples(setting, 400) }, (_, i) => vectors.ofQuestion(warmUp + i));
    await calm();
    const ours = { ms: [] as number[], found: [] as number[][] };
    const theirs = { ms: [] as number[], found: [] as number[][] };
    for (const [i, question] of questions.entries()) {
      const ask = async (side: typeof ours, search: typeof recall) => {
        side.ms.push(await milliseconds(async () => void side.found.push(await search(question))));
      };
      await interleaved(
        i,
        () => ask(ours, recall),
        () => ask(theirs, (vector) => bare.nearest(vector)),
      );
    }
    await store.close();
    bare.close();
    const truth = questions.map((question) => nearest(all, question, 10));
    const recallOf = ({ found }: typeof ours) => mean(truth.map((true10, i) => shareFound(true10, found[i] ?? [])));
    const goal = { ratioAtMost: 1.25, recallAtLeast: 0.99 };
    const figures = { value: median(ours.ms), baseline: median(theirs.ms), recall: recallOf(ours) };
    return [
      row({ name: 'recall-semantic', ...figures, unit: 'ms', goal }),
      row({ name: 'recall-semantic, bare LanceDB', value: figures.baseline, unit: 'ms', recall: recallOf(theirs) }),
    ];
  },
};
