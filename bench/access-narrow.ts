import type { MemoryHandle } from 'multi-agent-memory';
import { questionOf, type Ticket } from './shared/corpus';
import { type Asked, hybridRecall, ticketsOf } from './shared/exhaustive';
import { mean, median, shareFound } from './shared/figures';
import { nearest } from './shared/nearest';
import { type Question, type Setting, samples } from './shared/question';
import { readerRules as access, everything, type Reader, readers, visibleTo } from './shared/readers';
import { type Row, row } from './shared/row';
import { copyOfLoaded, openStore } from './shared/store';
import { calm, interleaved, milliseconds } from './shared/timing';
import { Vectors } from './shared/vectors';

const modes = ['hybrid', 'semantic'] as const;
const goal = { ratioAtMost: 1, recallAtLeast: 0.99 };

/** Recall of readers that see only a small share of the memories. */
export const accessNarrow: Question = {
  name: 'access-narrow',
  asks: 'What does a recall cost and find if 0.02, 0.1, 1, 10 and 50 % of the memories are visible, compared with all of them?',
  async run(setting) {
    const folder = await copyOfLoaded(setting, 'scopes');
    const vectors = new Vectors(setting.memories);
    const all = Array.from({ length: setting.memories }, (_, ticket) => vectors.of(ticket));
    const questions = Array.from({ length: samples(setting, 200) }, (_, i) => questionOf(vectors, i));
    const measured = await measure(setting, folder, questions);
    const rows: Row[] = [];
    for (const { mode, reader, ...figures } of measured) {
      const { sees } = reader;
      const truth = samples(setting, 100);
      const found = figures.found.slice(0, truth);
      const asked = questions.slice(0, truth).map((question) => ({ ...question, as: asReader(sees) }));
      const recall =
        mode === 'hybrid'
          ? await hybridRecall(folder, asked, found, { access })
          : semanticRecall(all, reader, asked, found);
      const [value, baseline] = [median(figures.ours), median(figures.theirs)];
      rows.push(row({ name: `access-narrow, ${mode}, ${sees} visible`, value, baseline, unit: 'ms', recall, goal }));
    }
    return rows;
  },
};

interface Measured {
  readonly mode: (typeof modes)[number];
  readonly reader: Reader;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly found: readonly (readonly number[])[];
}

async function measure(
  setting: Setting,
  folder: string,
  questions: readonly ReturnType<typeof questionOf>[],
): Promise<Measured[]> {
  const store = await openStore(folder, { access });
  await store.settled();
  const whole = store.as(everything);
  const measured: Measured[] = [];
  for (const mode of modes) {
    for (const reader of readers) {
      const one = store.as({ agentId: reader.sees });
      const ask = async (handle: MemoryHandle<Ticket>, { words, vector }: (typeof questions)[number]) =>
        ticketsOf(await handle.recall(words, { mode, vector }));
      const [ours, theirs, found]: [number[], number[], number[][]] = [[], [], []];
      for (const question of questions.slice(0, samples(setting, 30))) await ask(one, question);
      await calm();
      for (const [i, question] of questions.entries()) {
        // The words of the query are cached for both.
        await ask(whole, question);
        await interleaved(
          i,
          async () => void ours.push(await milliseconds(async () => void found.push(await ask(one, question)))),
          async () => void theirs.push(await milliseconds(() => ask(whole, question))),
        );
      }
      measured.push({ mode, reader, ours, theirs, found });
    }
  }
  await store.close();
  return measured;
}

function asReader(agentId: string): Asked['as'] {
  return (store) => store.as({ agentId });
}

function semanticRecall(
  all: readonly Float32Array[],
  reader: Reader,
  asked: readonly { readonly vector: Float32Array }[],
  found: readonly (readonly number[])[],
): number {
  const tickets = visibleTo(reader, all.length);
  const visible = tickets.map((ticket) => all[ticket] as Float32Array);
  const shares = asked.map(({ vector }, i) => {
    const truth = nearest(visible, vector, 10).map((at) => tickets[at] as number);
    return shareFound(truth, found[i] ?? []);
  });
  return mean(shares);
}
