import { seededRandom } from './seeded-random';
import { SentenceMaker } from './sentences';
import type { Synset } from './wordnet';

/** Returns the definitions and examples of WordNet, and a list of the words of each meaning. Each text occurs once. */
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

/** Makes examples of WordNet in which the word that they illustrate is replaced by another word of the same kind. */
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

/** Puts examples of WordNet into frames, such as "Anna: …": people say, ask or note such sentences. */
export function framedExamples(synsets: readonly Synset[], count: number, seed: number): string[] {
  const maker = new SentenceMaker(synsets, seededRandom(seed));
  const examples = synsets.flatMap((synset) => synset.examples);
  return distinct(count, () => maker.framed(maker.oneOf(examples)));
}

/**
 * Returns single words and phrases: the words of common meanings, and all words of a rare meaning if one of them has a plain
 * lower-case spelling.
 */
export function wordsAlone(synsets: readonly Synset[]): string[] {
  const isShown = ({ occurrences, words }: Synset) => occurrences > 0 || words.some((word) => /^[a-z]+$/.test(word));
  return [...new Set(synsets.filter(isShown).flatMap(({ words }) => words))];
}

/** Makes everyday sentences from patterns. */
export function madeSentences(synsets: readonly Synset[], count: number, seed: number): string[] {
  const maker = new SentenceMaker(synsets, seededRandom(seed));
  return distinct(count, () => maker.sentence());
}

/** Makes texts of two to five sentences. */
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
