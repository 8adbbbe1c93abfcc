import { seededRandom } from './seeded-random';
import { SentenceMaker } from './sentences';
import type { Synset } from './wordnet';

/** The definitions and examples of WordNet, and the words of each meaning as a list. Each text once. */
export function wordnetTexts(synsets: readonly Synset[]): string[] {
  const texts = new Set<string>();
  for (const { words, definition, examples } of synsets) {
    texts.add(definition);
    for (const example of examples) texts.add(example);
    texts.add(words.join(', '));
  }
  texts.delete('');
  return [...texts];
}

/** Examples of WordNet in which another word of the same kind replaces the word that they illustrate. */
export function variedExamples(synsets: readonly Synset[], seed: number): string[] {
  const maker = new SentenceMaker(synsets, seededRandom(seed));
  const texts = new Set<string>();
  for (const synset of synsets) {
    for (const example of synset.examples) {
      const varied = maker.varied(synset, example);
      if (varied !== undefined) texts.add(varied);
    }
  }
  return [...texts];
}

/** Examples of WordNet inside frames in which people say, ask or note such sentences. */
export function framedExamples(synsets: readonly Synset[], count: number, seed: number): string[] {
  const maker = new SentenceMaker(synsets, seededRandom(seed));
  const examples = synsets.flatMap((synset) => synset.examples);
  return distinct(count, () => maker.framed(maker.oneOf(examples)));
}

/** Single words and phrases: the common ones, and all words of rarer meanings that have a common spelling. */
export function wordsAlone(synsets: readonly Synset[]): string[] {
  const isShown = ({ occurrences, words }: Synset) => occurrences > 0 || words.some((word) => /^[a-z]+$/.test(word));
  return [...new Set(synsets.filter(isShown).flatMap(({ words }) => words))];
}

/** Everyday sentences from patterns. */
export function madeSentences(synsets: readonly Synset[], count: number, seed: number): string[] {
  const maker = new SentenceMaker(synsets, seededRandom(seed));
  return distinct(count, () => maker.sentence());
}

/** Texts of two to five sentences. */
export function madePassages(synsets: readonly Synset[], count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const maker = new SentenceMaker(synsets, random);
  const examples = synsets.flatMap((synset) => synset.examples);
  const definitions = synsets.map(({ definition }) => definition);
  const anySentence = () => (random() < 0.5 ? maker.oneOf(examples) : maker.sentence());
  return distinct(count, () => {
    const sentence = random() < 0.3 ? () => maker.oneOf(definitions) : anySentence;
    return Array.from({ length: 2 + Math.floor(random() * 4) }, sentence).join('. ');
  });
}

function distinct(count: number, make: () => string): string[] {
  return [...new Set(Array.from({ length: count }, make))];
}
