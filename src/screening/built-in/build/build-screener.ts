// Makes the weights of the built-in screener: ../weights.generated.ts. Run it with:
// npm run build:screener
//
// It takes about a minute. All random choices come from one seed. The texts are in attack-texts.ts, benign-texts.ts, and in the development
// dependencies that training-texts.ts names with their licences; another version of a dependency gives slightly other weights. Every tenth
// sentence is left out of the training; at the end the program prints how many of them exceed the threshold.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { seededRandom } from '../../../embedding/built-in/build/seeded-random';
import { verdictOf } from '../built-in-screener';
import type { LinearModel } from '../linear-model';
import { trained } from './train';
import { type Lesson, trainingTexts } from './training-texts';

const seed = 1;
/** The logit from which a sentence is taken for an instruction. About two in a thousand harmless sentences of the kinds here exceed it. */
const threshold = -0.8;
const largest = 127;
const isHeldBack = (lesson: number): boolean => lesson % 10 === 9;
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const random = seededRandom(seed);
const texts = await trainingTexts(fileURLToPath(new URL('../../../..', import.meta.url)), random);
for (const [name, { length }] of Object.entries(texts)) say(`${length} ${name}`);
const lessons = Object.values(texts).flatMap((part) => part.filter((_, i) => !isHeldBack(i)));
const weights = trained(lessons, random, (epoch, loss) => say(`epoch ${epoch + 1}: loss ${loss.toFixed(4)}`));

const scale = weights.ngrams.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / largest;
const ngrams = Int8Array.from(weights.ngrams, (weight) => Math.round(weight / scale));
const rules = Array.from(weights.rules, (weight) => Number(weight.toFixed(4)));
const bias = Number(weights.bias.toFixed(4));
const packed = deflateRawSync(Buffer.from(ngrams.buffer), { level: 9 }).toString('base64');
writeFileSync(
  fileURLToPath(new URL('../weights.generated.ts', import.meta.url)),
  `// Made by \`npm run build:screener\`. Do not edit.
export const threshold = ${threshold};
export const scale = ${scale};
export const bias = ${bias};
export const ruleWeights: readonly number[] = ${JSON.stringify(rules)};
export const packedNgrams = '${packed}';
`,
);
say(`${packed.length} bytes`);

const model: LinearModel = { ngrams, scale, rules: Float32Array.from(rules), bias };
for (const [name, part] of Object.entries(texts))
  say(`${name}: ${await shareFound(part.filter((_, i) => isHeldBack(i)))} % found`);

async function shareFound(part: readonly Lesson[]): Promise<string> {
  const verdicts = await Promise.all(part.map(({ text }) => verdictOf(model, threshold, text)));
  const found = verdicts.filter(({ score }) => score >= 0.5);
  return ((100 * found.length) / part.length).toFixed(2);
}
