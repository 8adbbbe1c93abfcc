import { seededRandom } from './seeded-random';
import { SentenceMaker } from './sentences';
import type { Synset } from './wordnet';

// With many more, what the teacher makes of the patterns takes the upper hand over what it makes of the words.
const madeSentences = 40_000;
const madePassages = 4_000;

/** What WordNet says of its meanings: definitions, examples, and the words of each as a list. Each text once. */
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

/** What WordNet lacks: everyday sentences from patterns, and passages of two to five sentences. */
export function madeTexts(synsets: readonly Synset[], seed: number): string[] {
  const random = seededRandom(seed);
  const maker = new SentenceMaker(synsets, random);
  const examples = synsets.flatMap((synset) => synset.examples);
  const definitions = synsets.map(({ definition }) => definition);
  const anySentence = () => (random() < 0.5 ? maker.oneOf(examples) : maker.sentence());
  const texts = new Set<string>();
  for (let i = 0; i < madeSentences; i++) texts.add(maker.sentence());
  for (let i = 0; i < madePassages; i++) {
    const sentence = random() < 0.3 ? () => maker.oneOf(definitions) : anySentence;
    texts.add(Array.from({ length: 2 + Math.floor(random() * 4) }, sentence).join('. '));
  }
  return [...texts];
}
