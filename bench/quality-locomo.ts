import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Embedder, minilm } from 'multi-agent-memory';
import { mean, shareFound } from './shared/figures';
import { type Conversation, readLocomo } from './shared/locomo';
import { type Answer, gainOf, inStoreOf } from './shared/locomo-store';
import { type Question, samples } from './shared/question';
import { type Goal, type Row, row } from './shared/row';

type Mode = 'hybrid' | 'semantic' | 'keyword';

/** Context can be left out, to show what it adds. */
type Variant = `${Mode}${'' | ', without context'}`;

/** The recall of the turns that contain the answer, on real conversations. What times in questions add is measured by `quality-time`. */
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
      ...rowsOf('built-in', found.semantic, { atLeast: 54 }),
      ...rowsOf('hybrid, built-in', found.hybrid, { atLeast: 73 }, keyword),
      ...ablationOf('keyword', found, 'keyword'),
      ...ablationOf('built-in', found, 'semantic'),
      ...ablationOf('hybrid, built-in', found, 'hybrid'),
    ];
    if (!existsSync(join(models, 'Xenova/all-MiniLM-L6-v2'))) return rows;
    const byMiniLm = await foundBy(conversations, minilm({ localPath: models }), ['semantic', 'hybrid']);
    return [
      ...rows,
      ...rowsOf('MiniLM', byMiniLm.semantic),
      ...rowsOf('hybrid, MiniLM', byMiniLm.hybrid, { atLeast: 73 }, keyword),
      ...ablationOf('MiniLM', byMiniLm, 'semantic'),
      ...ablationOf('hybrid, MiniLM', byMiniLm, 'hybrid'),
    ];
  },
};

/** An answer with the place of its conversation. The weights of scores were chosen on the conversations with even places. */
type Placed = Answer & { readonly conversation: number };

// Enough hits for five sessions.
const topK = 100;

async function foundBy(
  conversations: readonly Conversation[],
  embedder: Embedder | undefined,
  modes: readonly Mode[],
): Promise<Record<Variant, Placed[]>> {
  const answers = {} as Record<Variant, Placed[]>;
  for (const mode of modes) [answers[mode], answers[`${mode}, without context`]] = [[], []];
  for (const [place, conversation] of conversations.entries()) {
    await inStoreOf(conversation, embedder, async (handle) => {
      for (const { text, evidence } of conversation.questions) {
        for (const mode of modes) {
          for (const context of [true, false]) {
            const hits = await handle.recall(text, { mode, context, time: false, topK });
            const found = hits.map(({ metadata }) => metadata.turn);
            answers[`${mode}${context ? '' : ', without context'}`].push({ evidence, found, conversation: place });
          }
        }
      }
    });
  }
  return answers;
}

/** @param recallGoal Of recall@10. Both rows should reach those of `keyword`. */
function rowsOf(name: string, answers: readonly Answer[], recallGoal: Goal = {}, keyword: readonly Row[] = []): Row[] {
  const { recall, gain } = figuresOf(answers);
  return [
    { name: `locomo recall@10, ${name}`, value: recall, goal: recallGoal },
    { name: `locomo nDCG@10, ${name}`, value: gain, goal: {} },
  ].map(({ name, value, goal }, i) => {
    const baseline = keyword[i]?.value;
    const atLeastKeyword = baseline === undefined ? { goal } : { baseline, goal: { ...goal, ratioAtLeast: 1 } };
    return row({ name, value: 100 * value, unit: '%', recall, ...atLeastKeyword });
  });
}

/** What the context adds, on the half with which the weights were chosen and on the other. */
function ablationOf(name: string, found: Record<Variant, Placed[]>, mode: Mode): Row[] {
  return ['to choose', 'to show'].flatMap((purpose, half) => {
    const answersOf = (variant: Variant) => found[variant].filter(({ conversation }) => conversation % 2 === half);
    const inHalf = (variant: Variant) => figuresOf(answersOf(variant));
    // A small run has one conversation.
    if (answersOf(mode).length === 0) return [];
    const [figures, baselines] = [inHalf(mode), inHalf(`${mode}, without context`)];
    const labels = { recall: 'recall@10', gain: 'nDCG@10', session: 'session hit@1', sessions: 'session recall@5' };
    return Object.entries(labels).map(([key, label]) => {
      const figure = key as keyof typeof labels;
      const [value, baseline] = [100 * figures[figure], 100 * baselines[figure]];
      return row({
        name: `locomo ${label}, ${name}, half ${purpose}, baseline without context`,
        value,
        baseline,
        unit: '%',
      });
    });
  });
}

function figuresOf(answers: readonly Answer[]) {
  const best = answers.map(({ evidence, found }) => ({ evidence, found: found.slice(0, 10) }));
  const sessions = answers.map(({ evidence, found }) => ({
    evidence: [...new Set(evidence.map(sessionOf))],
    found: [...new Set(found.map(sessionOf))],
  }));
  return {
    recall: mean(best.map(({ evidence, found }) => shareFound(evidence, found))),
    gain: mean(best.map(gainOf)),
    session: mean(sessions.map(({ evidence, found }) => Number(evidence.includes(found[0] ?? '')))),
    sessions: mean(sessions.map(({ evidence, found }) => shareFound(evidence, found.slice(0, 5)))),
  };
}

/** The session of a turn such as `D1:3`. */
function sessionOf(turn: string): string {
  return turn.split(':')[0] as string;
}
