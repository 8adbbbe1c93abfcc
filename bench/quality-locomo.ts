import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Embedder, minilm } from 'multi-agent-memory';
import { mean, shareFound } from './shared/figures';
import { type Conversation, readLocomo } from './shared/locomo';
import { type Answer, gainOf, inStoreOf } from './shared/locomo-store';
import { type Question, samples } from './shared/question';
import { type Goal, type Row, row } from './shared/row';

type Mode = 'hybrid' | 'semantic' | 'keyword';

/** The recall of the turns that contain the answer, on real conversations. */
export const qualityLocomo: Question = {
  name: 'quality-locomo',
  asks: 'Which share of the turns that answer a question of LoCoMo is among the first ten hits, in keyword, semantic and hybrid mode?',
  async run(setting) {
    const { models, data } = setting;
    if (!existsSync(join(data, 'locomo'))) return { skipped: `${data} does not contain locomo (set --data FOLDER)` };
    const conversations = (await readLocomo(data)).slice(0, samples(setting, 10, 1));
    const found = await foundBy(conversations, undefined, ['keyword', 'semantic', 'hybrid']);
    const keyword = rowsOf('keyword', found.keyword);
    const rows = [
      ...keyword,
      ...rowsOf('built-in', found.semantic, { atLeast: 50 }),
      ...rowsOf('hybrid, built-in', found.hybrid, { atLeast: 66 }, keyword),
    ];
    if (!existsSync(join(models, 'Xenova/all-MiniLM-L6-v2'))) return rows;
    const byMiniLm = await foundBy(conversations, minilm({ localPath: models }), ['semantic', 'hybrid']);
    return [
      ...rows,
      ...rowsOf('MiniLM', byMiniLm.semantic),
      ...rowsOf('hybrid, MiniLM', byMiniLm.hybrid, { atLeast: 67.3 }, keyword),
    ];
  },
};

async function foundBy<M extends Mode>(
  conversations: readonly Conversation[],
  embedder: Embedder | undefined,
  modes: readonly M[],
): Promise<Record<M, Answer[]>> {
  const answers = Object.fromEntries(modes.map((mode) => [mode, [] as Answer[]])) as Record<M, Answer[]>;
  for (const conversation of conversations) {
    await inStoreOf(conversation, embedder, async (handle) => {
      for (const { text, evidence } of conversation.questions) {
        for (const mode of modes) {
          const hits = await handle.recall(text, { mode });
          answers[mode].push({ evidence, found: hits.map(({ metadata }) => metadata.turn) });
        }
      }
    });
  }
  return answers;
}

/** @param recallGoal Of recall@10. Both rows should reach those of `keyword`. */
function rowsOf(name: string, answers: readonly Answer[], recallGoal: Goal = {}, keyword: readonly Row[] = []): Row[] {
  const recall = mean(answers.map(({ evidence, found }) => shareFound(evidence, found)));
  const gain = mean(answers.map(gainOf));
  return [
    { name: `locomo recall@10, ${name}`, value: recall, goal: recallGoal },
    { name: `locomo nDCG@10, ${name}`, value: gain, goal: {} },
  ].map(({ name, value, goal }, i) => {
    const baseline = keyword[i]?.value;
    const atLeastKeyword = baseline === undefined ? { goal } : { baseline, goal: { ...goal, ratioAtLeast: 1 } };
    return row({ name, value: 100 * value, unit: '%', recall, ...atLeastKeyword });
  });
}
