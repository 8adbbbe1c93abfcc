import { type Hit, MemoryStore } from 'multi-agent-memory';
import { answerableTexts, nearMisses } from './shared/answerable';
import type { Question } from './shared/question';
import { type Row, row } from './shared/row';

const thresholds = [0.2, 0.3, 0.4, 0.45, 0.5, 0.6, 'likely'] as const;

/** A question with its best hit, and the text that answers it, if there is one. */
interface Asked {
  readonly best: Hit | undefined;
  readonly likely: Hit | undefined;
  readonly answer: string | undefined;
}

/** What a threshold keeps of the answers, and what it lets through where nothing answers. */
export const qualityThreshold: Question = {
  name: 'quality-threshold',
  asks: 'Which threshold separates questions that a text answers from those that none answers, with the built-in model?',
  async run() {
    const rows: Row[] = [];
    for (const mode of ['hybrid', 'keyword', 'semantic'] as const) {
      const store = await MemoryStore.inMemory();
      await store.admin.rememberMany(answerableTexts.map(({ text }) => ({ text, namespace: ['texts'] })));
      const ask = async (question: string, answer?: string): Promise<Asked> => {
        const [best] = await store.admin.recall(question, { mode, topK: 1 });
        const [likely] = await store.admin.recall(question, { mode, topK: 1, threshold: 'likely' });
        return { best, likely, answer };
      };
      const answered = await Promise.all(answerableTexts.map(({ text, answerable }) => ask(answerable, text)));
      const far = await Promise.all(answerableTexts.map(({ unanswerable }) => ask(unanswerable)));
      const near = await Promise.all(nearMisses.map((question) => ask(question)));
      await store.close();
      rows.push(
        separation(`${mode}, nothing answers`, answered, far, { atLeast: 95 }),
        separation(`${mode}, nothing answers, and something is near`, answered, near, {}),
        ...thresholds.flatMap((threshold) => atThreshold(mode, threshold, { answered, far, near })),
      );
    }
    return rows;
  },
};

/** The share of the pairs of an answered and an unanswered question in which the answered one has the higher score. */
function separation(
  name: string,
  answered: readonly Asked[],
  others: readonly Asked[],
  goal: { atLeast?: number },
): Row {
  let above = 0;
  for (const { best } of answered)
    for (const other of others) above += Number((best?.score ?? 0) > (other.best?.score ?? 0));
  const value = (100 * above) / (answered.length * others.length);
  return row({ name: `pairs in the right order, ${name}`, value, unit: '%', goal });
}

interface Groups {
  readonly answered: readonly Asked[];
  readonly far: readonly Asked[];
  readonly near: readonly Asked[];
}

function atThreshold(mode: string, threshold: (typeof thresholds)[number], { answered, far, near }: Groups): Row[] {
  const shown = ({ best, likely }: Asked) =>
    threshold === 'likely' ? likely : best !== undefined && best.score >= threshold ? best : undefined;
  const right = answered.filter((each) => shown(each)?.text === each.answer).length;
  const count = (asked: readonly Asked[]) => asked.filter((each) => shown(each) !== undefined).length;
  const percent = (part: number, whole: number) => (whole === 0 ? 100 : (100 * part) / whole);
  const name = `${mode}, threshold ${threshold}`;
  return [
    row({ name: `recall, ${name}`, value: percent(right, answered.length), unit: '%' }),
    row({ name: `precision, ${name}`, value: percent(right, count(answered) + count(far)), unit: '%' }),
    row({
      name: `precision, half of the others are near, ${name}`,
      value: percent(right, count(answered) + count(far) / 2 + count(near) / 2),
      unit: '%',
    }),
  ];
}
