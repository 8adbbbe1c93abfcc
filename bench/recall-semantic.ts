import { BareLance } from './shared/bare-lance';
import { median } from './shared/figures';
import { nearest, nearestOnly } from './shared/nearest';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { Side } from './shared/side';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved } from './shared/timing';
import { Vectors } from './shared/vectors';

const warmUp = 30;
/** The probes that LanceDB needs for a recall of 0.99. Its default of 20 is faster and finds less. */
const thoroughProbes = 80;

/** Semantic search over all memories. */
export const recallSemantic: Question = {
  name: 'recall-semantic',
  asks: 'What does a semantic recall over all memories cost, texts included, compared with a bare LanceDB search that returns only ids?',
  async run(setting) {
    const vectors = new Vectors(setting.memories);
    const all = Array.from({ length: setting.memories }, (_, ticket) => vectors.of(ticket));
    const store = await openStore(await copyOfLoaded(setting));
    await store.settled();
    const agent = store.as({ agentId: 'agent' });
    const bare = await BareLance.create(setting.folder, all);
    const ours = new Side<Float32Array>(async (vector) => {
      const hits = await agent.recall('nearest', { ...nearestOnly, vector });
      return hits.map(({ metadata }) => metadata.ticket);
    });
    const theirs = new Side<Float32Array>((vector) => bare.nearest(vector));
    const thorough = new Side<Float32Array>((vector) => bare.nearest(vector, thoroughProbes));
    for (let i = 0; i < warmUp; i++) {
      for (const side of [ours, theirs, thorough]) await side.search(vectors.ofQuestion(i));
    }
    const questions = Array.from({ length: samples(setting, 400) }, (_, i) => vectors.ofQuestion(warmUp + i));
    await calm();
    for (const [i, question] of questions.entries()) {
      await interleaved(
        i,
        () => ours.ask(question),
        () => theirs.ask(question),
      );
      await thorough.ask(question);
    }
    await store.close();
    bare.close();
    const truth = questions.map((question) => nearest(all, question, 10));
    const [of, unit] = ['recall-semantic', 'ms'];
    const [value, baseline] = [median(ours.ms), median(theirs.ms)];
    const goal = { ratioAtMost: 0.5, recallAtLeast: 0.99 };
    return [
      row({ name: of, value, baseline, unit, recall: ours.recall(truth), goal }),
      row({
        name: `${of}, against ${thoroughProbes} probes`,
        value,
        baseline: median(thorough.ms),
        unit,
        recall: ours.recall(truth),
        goal,
      }),
      row({ name: `${of}, bare LanceDB, 20 probes`, value: baseline, unit, recall: theirs.recall(truth) }),
      row({
        name: `${of}, bare LanceDB, ${thoroughProbes} probes`,
        value: median(thorough.ms),
        unit,
        recall: thorough.recall(truth),
      }),
    ];
  },
};
