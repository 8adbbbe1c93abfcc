import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { agreement } from '../../src/embedding/built-in/build/agreement';
import {
  framedExamples,
  madePassages,
  madeSentences,
  variedExamples,
  wordnetTexts,
  wordsAlone,
} from '../../src/embedding/built-in/build/corpus';
import { principalComponents, project } from '../../src/embedding/built-in/build/principal-components';
import { seededRandom } from '../../src/embedding/built-in/build/seeded-random';
import { toStaticModel } from '../../src/embedding/built-in/build/static-model';
import { train } from '../../src/embedding/built-in/build/training';
import { inflect } from '../../src/embedding/built-in/build/verb-forms';
import { readWordnet } from '../../src/embedding/built-in/build/wordnet';

const randomRows = (count: number, width: number, seed: number) => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count * width }, () => random() - 0.5);
};
const rowOf = (rows: Float32Array, row: number, width: number) => rows.subarray(row * width, (row + 1) * width);
const product = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe('the training texts of the built-in model', () => {
  test('include definitions, examples and synonyms from WordNet', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wordnet-'));
    await writeFile(
      join(folder, 'data.noun'),
      '  1 This software and database is being provided to you\n' +
        '02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 001 @ 02083346 n 0000 | a domestic animal; "the dog barked"; "a dog ran"  \n',
    );
    await writeFile(join(folder, 'data.adj'), '00001740 00 a 01 able(p) 0 000 | having the means  \n');
    for (const part of ['verb', 'adv']) await writeFile(join(folder, `data.${part}`), '');
    await writeFile(join(folder, 'index.sense'), 'dog%1:05:00:: 02084071 1 42\ndomestic_dog%1:05:00:: 02084071 1 0\n');
    const synsets = await readWordnet(folder);
    await rm(folder, { recursive: true });
    expect(synsets[0]).toMatchObject({ kind: 5, occurrences: 42 });
    expect(wordnetTexts(synsets)).toEqual([
      'a domestic animal',
      'the dog barked',
      'a dog ran',
      'dog, domestic dog, Canis familiaris',
      'having the means',
      'able',
    ]);
    expect(wordsAlone(synsets)).toEqual(['dog', 'domestic dog', 'Canis familiaris', 'able']);
  });

  test.each([
    ['pick up', 'ing', 'picking up'],
    ['go', 'ed', 'went'],
    ['carry', 's', 'carries'],
    ['stop', 'ed', 'stopped'],
    ['bake', 'ing', 'baking'],
  ])('inflect verbs: %s + %s', (verb, form, expected) => expect(inflect(verb, form)).toBe(expected));

  const kinds = Array.from({ length: 45 }, (_, kind) => kind);
  const synsets = kinds.map((kind) => ({
    kind,
    words: [`word${String.fromCharCode(97 + (kind % 26))}`, 'other'],
    definition: `meaning ${kind}`,
    examples: [`an example with another in kind ${kind}`],
    occurrences: 1 + kind,
  }));

  test.each([
    ['examples with another word', (seed: number) => variedExamples([...synsets, ...aboutDogs], seed)],
    ['examples in frames of speech', (seed: number) => framedExamples(synsets, 50, seed)],
    ['sentences from patterns', (seed: number) => madeSentences(synsets, 500, seed)],
    ['passages', (seed: number) => madePassages(synsets, 50, seed)],
  ])('are the same for the same seed, with every gap filled: %s', (_, make) => {
    expect(make(1)).toEqual(make(1));
    expect(make(1)).not.toEqual(make(2));
    expect(make(1).filter((text) => /[{}]|undefined/.test(text))).toEqual([]);
  });

  // A kind with one common word beside the word of the example.
  const aboutDogs = [
    {
      kind: 38,
      words: ['run'],
      definition: '',
      examples: ['two dogs ran away', 'nobody runs', 'no word of it'],
      occurrences: 0,
    },
    { kind: 38, words: ['walk', 'stroll'], definition: '', examples: [], occurrences: 5 },
  ];
  test('replace a word by another word in the same form', () => {
    const varied = Array.from({ length: 20 }, (_, seed) => variedExamples(aboutDogs, seed)).flat();
    expect(new Set(varied)).toEqual(
      new Set(['two dogs walked away', 'two dogs strolled away', 'nobody walks', 'nobody strolls']),
    );
  });
});

describe('principal components', () => {
  const width = 8;
  const rows = randomRows(50, width, 3);

  test('are orthonormal and sorted by strength', () => {
    const components = principalComponents(rows, width, width, 1);
    const projected = project(rows, width, components, false);
    const strengths = Array.from({ length: width }, (_, k) =>
      Array.from({ length: 50 }, (_, row) => projected[row * width + k]! ** 2).reduce((a, b) => a + b),
    );
    expect(strengths).toEqual([...strengths].sort((a, b) => b - a));
    for (let a = 0; a < width; a++) {
      for (let b = 0; b < width; b++) {
        expect(product(rowOf(components, a, width), rowOf(components, b, width))).toBeCloseTo(a === b ? 1 : 0, 5);
      }
    }
  });

  test('preserve all dot products if all components are kept', () => {
    const projected = project(rows, width, principalComponents(rows, width, width, 1), false);
    const before = product(rowOf(rows, 3, width), rowOf(rows, 7, width));
    expect(product(rowOf(projected, 3, width), rowOf(projected, 7, width))).toBeCloseTo(before, 5);
  });
});

describe('training', () => {
  const dimensions = 8;
  const course = { epochs: 200, batch: 4, rate: 0.02 };
  // Eight texts with two tokens each. Each token occurs in two texts.
  const tokens = Int32Array.from({ length: 16 }, (_, i) => ((i >> 1) + (i & 1)) % 8);
  const starts = Int32Array.from({ length: 9 }, (_, i) => 2 * i);
  const hidden = randomRows(8, dimensions, 5);
  const targets = new Float32Array(8 * dimensions);
  for (let text = 0; text < 8; text++) {
    const sum = rowOf(hidden, text, dimensions).map((value, i) => value + hidden[((text + 1) % 8) * dimensions + i]!);
    targets.set(
      sum.map((value) => value / Math.hypot(...sum)),
      text * dimensions,
    );
  }
  const learn = (dropped = 0) => {
    const vectors = randomRows(8, dimensions, 6);
    const losses: number[] = [];
    const lesson = { texts: { tokens, starts }, targets, dimensions };
    train(vectors, lesson, { ...course, dropped }, seededRandom(1), (_, loss) => losses.push(loss));
    return { vectors, losses };
  };

  test('brings the vector of a text close to its target', () => {
    const { losses } = learn();
    expect(losses[0]).toBeGreaterThan(0.2);
    expect(losses.at(-1)).toBeLessThan(0.01);
  });

  test('gives the same vectors for the same seed, bit by bit', () => {
    expect(learn(0.3).vectors).toEqual(learn(0.3).vectors);
  });

  test('with dropout lets a single token carry the meaning of its text', () => {
    const nearest = (vectors: Float32Array, token: number) => {
      const row = rowOf(vectors, token, dimensions);
      return product(row, rowOf(targets, token, dimensions)) / Math.hypot(...row);
    };
    const mean = (vectors: Float32Array) =>
      Array.from({ length: 8 }, (_, token) => nearest(vectors, token)).reduce((a, b) => a + b) / 8;
    expect(mean(learn(0.5).vectors)).toBeGreaterThan(mean(learn(0).vectors));
  });
});

test('the static model leaves out special tokens and rounds all rows with the same scale', () => {
  const vectors = Float32Array.of(9, 9, 9, 9, 1, -0.5, 0.25, 0);
  expect(toStaticModel(vectors, 2, ['[PAD]', '[unused0]', 'a', '##b'])).toEqual({
    pieces: ['a', '##b'],
    rows: Int8Array.of(127, -63, 32, 0),
    dimensions: 2,
  });
});

describe('the agreement of two sets of vectors', () => {
  const teacher = randomRows(300, 8, 1).map((value) => value * 2);
  const compared = { teacher, teacherWidth: 8, taughtWidth: 8 };

  test('is 1 if they are equal and near 0 if one of them is random', () => {
    expect(agreement({ ...compared, taught: teacher }, 1)).toBeCloseTo(1, 10);
    expect(Math.abs(agreement({ ...compared, taught: randomRows(300, 8, 2) }, 1))).toBeLessThan(0.2);
  });
});
