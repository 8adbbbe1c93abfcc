import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mean, shareFound } from './shared/figures';
import { readLocomo } from './shared/locomo';
import { type Answer, gainOf, inStoreOf } from './shared/locomo-store';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';

interface TimedAnswer {
  readonly half: 'odd' | 'even';
  readonly category: number;
  /** Whether the question names a time. */
  readonly isTimed: boolean;
  readonly before: Answer;
  readonly after: Answer;
}

/** What the time in a question adds. The weights were chosen on the conversations with odd numbers. */
export const qualityTime: Question = {
  name: 'quality-time',
  asks: 'Which share of the turns that answer a question of LoCoMo is among the first ten hits, without and with the time that it names?',
  async run(setting) {
    const { data } = setting;
    if (!existsSync(join(data, 'locomo'))) return { skipped: `${data} does not contain locomo (set --data FOLDER)` };
    const conversations = (await readLocomo(data)).slice(0, samples(setting, 10, 1));
    const answers: TimedAnswer[] = [];
    for (const [i, conversation] of conversations.entries())
      await inStoreOf(conversation, undefined, async (handle) => {
        for (const { text, evidence, category } of conversation.questions) {
          const hits = await handle.recall(text, { context: false, explain: true });
          const isTimed = hits[0]?.search?.times !== undefined;
          const plain = isTimed ? await handle.recall(text, { context: false, time: false }) : hits;
          const answerOf = (found: typeof hits): Answer => ({
            ...{ evidence, found: found.map(({ metadata }) => metadata.turn) },
          });
          const half = i % 2 === 0 ? 'odd' : 'even';
          answers.push({ ...{ half, category, isTimed }, before: answerOf(plain), after: answerOf(hits) });
        }
      });
    return (['odd', 'even'] as const).flatMap((half) => rowsOf(half, answers));
  },
};

function rowsOf(half: TimedAnswer['half'], all: readonly TimedAnswer[]): Row[] {
  const answers = all.filter((each) => each.half === half);
  const groups: [string, TimedAnswer[]][] = [
    ['all questions', answers],
    ['questions that name a time', answers.filter(({ isTimed }) => isTimed)],
    ...[1, 2, 3, 4, 5].map((wanted): [string, TimedAnswer[]] => [
      `category ${wanted}`,
      answers.filter(({ category }) => category === wanted),
    ]),
  ];
  return groups
    .filter(([, group]) => group.length > 0)
    .flatMap(([name, group]) => {
      const figures = [
        { name: 'recall@10', of: ({ evidence, found }: Answer) => shareFound(evidence, found) },
        { name: 'nDCG@10', of: gainOf },
      ];
      return figures.map((figure) => {
        const [value, baseline] = [group.map(({ after }) => after), group.map(({ before }) => before)].map(
          (each) => 100 * mean(each.map(figure.of)),
        ) as [number, number];
        // No group loses anything.
        const goal = { ratioAtLeast: 1 };
        return row({ name: `locomo ${figure.name}, ${half} conversations, ${name}`, value, unit: '%', baseline, goal });
      });
    });
}
