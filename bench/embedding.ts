import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtInEmbedder, type Embedder, minilm } from 'multi-agent-memory';
import { median } from './shared/figures';
import { readLocomo } from './shared/locomo';
import { type Embed, oneByOne, pipelineOf } from './shared/pipeline';
import { type Question, samples } from './shared/question';
import { type Row, row } from './shared/row';
import { calm, eventLoopDelayP99, milliseconds } from './shared/timing';

const model = 'Xenova/all-MiniLM-L6-v2';
const textsPerRound = 64;
const textsPerBatch = 32;
// For the built-in model, which embeds a round of the others too fast to measure.
const manyTexts = 10_000;

/** Texts per second of the embedders of this library, and of transformers.js. */
export const embedding: Question = {
  name: 'embedding',
  asks: 'How many chat turns a second do the built-in model and minilm() embed, compared with the pipeline of transformers.js, and how long do they block the event loop?',
  async run(setting) {
    const { models, data } = setting;
    if (!existsSync(join(models, model)))
      return { skipped: `${models} does not contain ${model} (set --models FOLDER)` };
    if (!existsSync(join(data, 'locomo'))) return { skipped: `${data} does not contain locomo (set --data FOLDER)` };
    const turns = (await readLocomo(data)).flatMap(({ turns }) => turns.map(({ text }) => text));
    const rounds = samples(setting, 30, 2);
    // Texts from all conversations, in their order.
    const stride = Math.max(1, Math.floor(turns.length / (rounds * textsPerRound)));
    const texts = turns.filter((_, i) => i % stride === 0);
    const ours = minilm({ localPath: models });
    const theirs = await pipelineOf(models, model);
    const { together, alone, theirsAlone, theirsInBatches } = await perSecond(texts, rounds, ours, theirs);
    const many = Array.from({ length: samples(setting, manyTexts, 200) }, (_, i) => `${turns[i % turns.length]} ${i}`);
    const builtIn = await builtInRows(many, theirsAlone);
    const name = 'minilm, 64 texts at a time';
    return [
      ...builtIn,
      row({
        name: `${name} / pipeline, one at a time`,
        value: together,
        baseline: theirsAlone,
        unit,
        goal: { ratioAtLeast: 2 },
      }),
      row({
        name: `${name} / pipeline, 32 at a time`,
        value: together,
        baseline: theirsInBatches,
        unit,
        goal: { ratioAtLeast: 4 },
      }),
      row({ name: 'minilm / pipeline, both one at a time', value: alone, baseline: theirsAlone, unit }),
      await delayOf('minilm', ours, many.slice(0, samples(setting, 5_000, 100))),
    ];
  },
};

const unit = 'texts/s';

async function perSecond(texts: readonly string[], rounds: number, ours: Embedder, theirs: Embed) {
  const found = {
    together: [] as number[],
    alone: [] as number[],
    theirsAlone: [] as number[],
    theirsInBatches: [] as number[],
  };
  const embedOurs: Embed = (batch) => ours.embedDocuments(batch, {});
  const ways: Readonly<Record<keyof typeof found, (batch: readonly string[]) => Promise<unknown>>> = {
    together: embedOurs,
    alone: (batch) => oneByOne(embedOurs, batch),
    theirsAlone: (batch) => oneByOne(theirs, batch),
    theirsInBatches: async (batch) => {
      for (let i = 0; i < batch.length; i += textsPerBatch) await theirs(batch.slice(i, i + textsPerBatch));
    },
  };
  for (const way of Object.values(ways)) await way(texts.slice(0, textsPerBatch));
  await calm();
  const names = Object.keys(ways) as (keyof typeof found)[];
  for (let round = 0; round < rounds; round++) {
    const batch = texts.slice(round * textsPerRound, (round + 1) * textsPerRound);
    // Each way goes first in turn.
    for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
      found[name].push(batch.length / ((await milliseconds(() => ways[name](batch))) / 1_000));
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(found[name])])) as Record<keyof typeof found, number>;
}

async function builtInRows(texts: readonly string[], theirs: number): Promise<Row[]> {
  const builtIn = builtInEmbedder();
  await builtIn.embedDocuments(texts.slice(0, 500), {});
  await calm();
  const ms = await milliseconds(() => builtIn.embedDocuments(texts, {}));
  const value = texts.length / (ms / 1_000);
  return [
    row({ name: 'built-in model / pipeline, one at a time', value, baseline: theirs, unit, goal: { atLeast: 20_000 } }),
    await delayOf('built-in model', builtIn, texts),
  ];
}

async function delayOf(name: string, embedder: Embedder, texts: readonly string[]): Promise<Row> {
  await calm();
  const value = await eventLoopDelayP99(async () => void (await embedder.embedDocuments(texts, {})));
  return row({
    name: `${name}, event-loop delay p99 over ${texts.length} texts`,
    value,
    unit: 'ms',
    goal: { atMost: 20 },
  });
}
