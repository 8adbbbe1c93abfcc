import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtInEmbedder, type Embedder, type Hit, minilm } from 'multi-agent-memory';
import { mean, shareFound } from './shared/figures';
import { type Conversation, readLocomo } from './shared/locomo';
import { type Answer, gainOf, inStoreOf, type OfTurn } from './shared/locomo-store';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';

const shares = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
/** The share in `src/recall/score.ts`, with which the parts of a hybrid score were weighted. */
const ownShare = 0.4;

/**
 * The choice of the share of the cosine in a hybrid score: the best share for both embedders on the conversations with even indexes,
 * evaluated on those with odd indexes.
 */
export const fusionLocomo: Question = {
  name: 'fusion-locomo',
  asks: 'Which share of the cosine in a hybrid score finds most on one half of LoCoMo, and what does it find on the other half?',
  async run(setting) {
    const { models, data } = setting;
    if (!existsSync(join(data, 'locomo'))) return { skipped: `${data} does not contain locomo (set --data FOLDER)` };
    if (!existsSync(join(models, 'Xenova/all-MiniLM-L6-v2')))
      return { skipped: `${models} does not contain Xenova/all-MiniLM-L6-v2 (set --models FOLDER)` };
    const asked = samples(setting, 1_000, 5);
    const conversations = (await readLocomo(data))
      .slice(0, samples(setting, 10, 2))
      .map((conversation) => ({ ...conversation, questions: conversation.questions.slice(0, asked) }));
    const halves = [0, 1].map((half) => conversations.filter((_, place) => place % 2 === half));
    const rows: Row[] = [];
    const sums = shares.map(() => 0);
    for (const [name, embedder] of [
      ['built-in', builtInEmbedder()],
      ['MiniLM', minilm({ localPath: models })],
    ] as const) {
      for (const [half, purpose] of ['to choose', 'to show'].entries()) {
        const figures = await figuresOf(halves[half]!, embedder);
        for (const [i, { recall, gain }] of figures.entries()) {
          if (half === 0) sums[i] = sums[i]! + recall + gain;
          const which = `half ${purpose}, ${name}, share ${shares[i]}`;
          rows.push(row({ name: `recall@10, ${which}`, value: 100 * recall, unit: '%' }));
          rows.push(row({ name: `nDCG@10, ${which}`, value: 100 * gain, unit: '%' }));
        }
      }
    }
    const best = shares[sums.indexOf(Math.max(...sums))]!;
    return [...rows, row({ name: 'best share on the half to choose: recall@10 + nDCG@10', value: best, unit: '' })];
  },
};

/** The figures of each share, over the questions of all conversations. */
async function figuresOf(conversations: readonly Conversation[], embedder: Embedder) {
  const answers = shares.map(() => [] as Answer[]);
  for (const conversation of conversations) {
    const topK = conversation.turns.length;
    await inStoreOf(conversation, embedder, async (handle) => {
      for (const { text, evidence } of conversation.questions) {
        const hits = await handle.recall(text, { topK, explain: true, context: false });
        for (const [i, share] of shares.entries()) answers[i]!.push({ evidence, found: bestOf(hits, share) });
      }
    });
  }
  return answers.map((all) => ({
    recall: mean(all.map(({ evidence, found }) => shareFound(evidence, found))),
    gain: mean(all.map(gainOf)),
  }));
}

/** The ten best turns if the cosine had this share. */
function bestOf(hits: readonly Hit<OfTurn>[], share: number): string[] {
  const scored = hits.map(({ metadata, parts }) => {
    const { semantic = 0, keyword = 0, recency, priority } = parts!;
    const weighed = (semantic * share) / ownShare + (keyword * (1 - share)) / (1 - ownShare);
    return { turn: metadata.turn, score: weighed + recency + priority };
  });
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, 10).map(({ turn }) => turn);
}
