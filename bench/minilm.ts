import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { minilm } from 'multi-agent-memory';
import { median } from './shared/figures';
import { readLocomo } from './shared/locomo';
import { type Question, samples } from './shared/question';
import { row } from './shared/row';
import { calm, interleaved, milliseconds } from './shared/timing';

const model = 'Xenova/all-MiniLM-L6-v2';
const textsPerRound = 32;

type Embed = (texts: readonly string[]) => Promise<unknown>;

/** all-MiniLM-L6-v2 through this library and through the library that it uses. */
export const embedding: Question = {
  name: 'minilm',
  asks: 'How many chat turns a second does minilm() embed, beside the pipeline of transformers.js?',
  async run(setting) {
    const { models, data } = setting;
    if (!existsSync(join(models, model))) return { skipped: `there is no ${model} in ${models} (--models FOLDER)` };
    if (!existsSync(join(data, 'locomo'))) return { skipped: `there is no locomo in ${data} (--data FOLDER)` };
    const all = (await readLocomo(data)).flatMap(({ turns }) => turns.map(({ text }) => text));
    const rounds = samples(setting, 40, 2);
    // From all over the conversations, in order of arrival.
    const stride = Math.floor(all.length / (rounds * textsPerRound));
    const texts = all.filter((_, i) => i % Math.max(1, stride) === 0);
    const ours = minilm({ localPath: models });
    const theirs = await pipelineOf(models);
    const oneByOne = async (embed: Embed, batch: readonly string[]) => {
      for (const text of batch) await embed([text]);
    };
    const together = (embed: Embed, batch: readonly string[]) => embed(batch);
    const rows = [];
    for (const [name, way] of [
      ['one at a time', oneByOne],
      ['32 at a time', together],
    ] as const) {
      const embedOurs = (batch: readonly string[]) => way((texts) => ours.embedDocuments(texts, {}), batch);
      const embedTheirs = (batch: readonly string[]) => way(theirs, batch);
      const { value, baseline } = await textsPerSecond(texts, rounds, embedOurs, embedTheirs);
      rows.push(row({ name: `minilm, ${name}`, value, baseline, unit: 'texts/s', goal: { ratioAtLeast: 1 } }));
    }
    return rows;
  },
};

async function textsPerSecond(texts: readonly string[], rounds: number, ours: Embed, theirs: Embed) {
  const perSecond = { ours: [] as number[], theirs: [] as number[] };
  await ours(texts.slice(0, textsPerRound));
  await theirs(texts.slice(0, textsPerRound));
  await calm();
  for (let round = 0; round < rounds; round++) {
    const batch = texts.slice(round * textsPerRound, (round + 1) * textsPerRound);
    const time = async (embed: Embed) => batch.length / ((await milliseconds(() => embed(batch))) / 1000);
    await interleaved(
      round,
      async () => void perSecond.ours.push(await time(ours)),
      async () => void perSecond.theirs.push(await time(theirs)),
    );
  }
  return { value: median(perSecond.ours), baseline: median(perSecond.theirs) };
}

async function pipelineOf(models: string): Promise<Embed> {
  const { env, pipeline } = await import('@xenova/transformers');
  env.localModelPath = models;
  env.allowRemoteModels = false;
  const extract = await pipeline('feature-extraction', model, { quantized: true });
  return (texts) => extract([...texts], { pooling: 'mean', normalize: true });
}
