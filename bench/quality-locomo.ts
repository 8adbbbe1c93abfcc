import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Embedder, type MemoryHandle, MemoryStore, minilm } from 'multi-agent-memory';
import { mean, shareFound } from './shared/figures';
import { type Conversation, readLocomo } from './shared/locomo';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';

type Mode = 'hybrid' | 'semantic' | 'keyword';

/** Whether what is asked is found, on real conversations: recall of the turns that hold the answer. */
export const qualityLocomo: Question = {
  name: 'quality-locomo',
  asks: 'Which share of the turns that answer a question of LoCoMo is among the first ten, by words, by vectors and by both?',
  async run(setting) {
    const { models, data } = setting;
    if (!existsSync(join(data, 'locomo'))) return { skipped: `there is no locomo in ${data} (--data FOLDER)` };
    const conversations = (await readLocomo(data)).slice(0, samples(setting, 10, 1));
    const found = await foundBy(conversations, undefined, ['keyword', 'semantic', 'hybrid']);
    const keyword = rowsOf('keyword', found.keyword);
    const rows = [
      ...keyword,
      ...rowsOf('default embedder', found.semantic),
      ...rowsOf('hybrid, default embedder', found.hybrid, keyword),
    ];
    if (!existsSync(join(models, 'Xenova/all-MiniLM-L6-v2'))) return rows;
    const byMiniLm = await foundBy(conversations, minilm({ localPath: models }), ['semantic', 'hybrid']);
    return [...rows, ...rowsOf('MiniLM', byMiniLm.semantic), ...rowsOf('hybrid, MiniLM', byMiniLm.hybrid, keyword)];
  },
};

interface Answer {
  readonly evidence: readonly string[];
  readonly found: readonly string[];
}

async function foundBy<M extends Mode>(
  conversations: readonly Conversation[],
  embedder: Embedder | undefined,
  modes: readonly M[],
): Promise<Record<M, Answer[]>> {
  const answers = Object.fromEntries(modes.map((mode) => [mode, [] as Answer[]])) as Record<M, Answer[]>;
  for (const { name, turns, questions } of conversations) {
    // Asked on the day after the last session, as it would be in life: what was said first is half a year old by then.
    const now = Math.max(...turns.map(({ at }) => at.getTime())) + 24 * 60 * 60 * 1000;
    const store = await MemoryStore.inMemory<{ turn: string }>({
      clock: { now: () => now },
      ...(embedder === undefined ? {} : { embedder }),
    });
    const handle = store.admin.within({ namespace: ['locomo', name] });
    await handle.rememberMany(
      turns.map(({ id, text, session, at }) => ({ text, sessionId: session, validFrom: at, metadata: { turn: id } })),
    );
    for (const { text, evidence } of questions)
      for (const mode of modes) answers[mode].push({ evidence, found: await ask(handle, text, mode) });
    await store.close();
  }
  return answers;
}

async function ask(handle: MemoryHandle<{ turn: string }>, question: string, mode: Mode): Promise<string[]> {
  const hits = await handle.recall(question, { mode });
  return hits.map(({ metadata }) => metadata.turn);
}

function rowsOf(name: string, answers: readonly Answer[], keyword: readonly Row[] = []): Row[] {
  const recall = mean(answers.map(({ evidence, found }) => shareFound(evidence, found)));
  const gain = mean(answers.map(gainOf));
  return [
    { name: `locomo recall@10, ${name}`, value: recall },
    { name: `locomo nDCG@10, ${name}`, value: gain },
  ].map(({ name, value }, i) => {
    const baseline = keyword[i]?.value;
    const atLeastKeyword = baseline === undefined ? {} : { baseline, goal: { ratioAtLeast: 1 } };
    return row({ name, value: 100 * value, unit: '%', recall, ...atLeastKeyword });
  });
}

/** nDCG@10 with every turn of evidence worth the same (Järvelin and Kekäläinen, 2002). */
function gainOf({ evidence, found }: Answer): number {
  const discount = (rank: number) => 1 / Math.log2(rank + 2);
  const sum = (ranks: readonly number[]) => ranks.reduce((total, rank) => total + discount(rank), 0);
  const ideal = sum(evidence.slice(0, 10).map((_, rank) => rank));
  return sum(found.flatMap((id, rank) => (evidence.includes(id) ? [rank] : []))) / ideal;
}
