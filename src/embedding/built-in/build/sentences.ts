import type { Random } from './seeded-random';
import { days, frames, givenNames, months, sentencePatterns } from './sentence-patterns';
import { inflect } from './verb-forms';
import type { Synset } from './wordnet';

/** The number of the WordNet lexicographer file for each kind of word (lexnames(5WN)). */
const kinds: Readonly<Record<string, number>> = {
  adjective: 0,
  adverb: 2,
  activity: 4,
  animal: 5,
  thing: 6,
  attribute: 7,
  body: 8,
  topic: 9,
  message: 10,
  event: 11,
  feeling: 12,
  food: 13,
  group: 14,
  place: 15,
  person: 18,
  phenomenon: 19,
  plant: 20,
  state: 26,
  substance: 27,
  time: 28,
  change: 30,
  cognition: 31,
  communication: 32,
  consumption: 34,
  contact: 35,
  creation: 36,
  motion: 38,
  perception: 39,
  possession: 40,
  social: 41,
};

/** Fills the gaps of patterns with common words of the right kind. The more common a word is, the more often it is chosen. */
export class SentenceMaker {
  readonly #random: Random;
  /** The words of each lexicographer file. */
  readonly #words = new Map<number, WeightedWords>();

  constructor(synsets: readonly Synset[], random: Random) {
    this.#random = random;
    for (const { kind } of synsets) {
      if (!this.#words.has(kind)) this.#words.set(kind, new WeightedWords(synsets, kind));
    }
  }

  sentence(): string {
    return this.#filled(this.oneOf(sentencePatterns));
  }

  /** Puts a text into a random frame, such as "Anna: …". */
  framed(text: string): string {
    return this.#filled(this.oneOf(frames)).replace('{text}', () => text);
  }

  /**
   * Replaces the word in an example by another word of its kind, in the same form. Returns undefined if the example does not contain
   * a word of the meaning.
   */
  varied({ words, kind }: Synset, example: string): string | undefined {
    const other = this.#words.get(kind)!.at(this.#random());
    if (other === undefined) return undefined;
    for (const word of words) {
      for (const form of formsOf(kind)) {
        const found = new RegExp(`(?<![\\w-])${escaped(inflected(word, form))}(?![\\w-])`, 'i');
        if (found.test(example)) return example.replace(found, () => inflected(other, form));
      }
    }
    return undefined;
  }

  oneOf<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)]!;
  }

  #filled(pattern: string): string {
    return pattern
      .replace(/\{(\w+)(?::(\w+))?\}/g, (gap, kind: string, form = '') =>
        kind === 'text' ? gap : this.#fill(kind, form),
      )
      .replace(/\ba (?=[aeiou])/g, 'an ');
  }

  #fill(kind: string, form: string): string {
    switch (kind) {
      case 'name':
        return this.oneOf(givenNames);
      case 'month':
        return this.oneOf(months);
      case 'day':
        return this.oneOf(days);
      case 'year':
        return String(1950 + Math.floor(this.#random() * 80));
      case 'number':
        return String(1 + Math.floor(this.#random() ** 3 * 100));
      default: {
        const word = this.#words.get(kinds[kind] ?? -1)?.at(this.#random());
        if (word === undefined) throw new Error(`No kind of word is called ${kind}.`);
        return inflected(word, form);
      }
    }
  }
}

// Files 3 to 28 contain nouns, 29 to 43 verbs.
function formsOf(kind: number): readonly string[] {
  if (kind >= 29 && kind <= 43) return ['', 's', 'ed', 'ing'];
  return kind >= 3 && kind <= 28 ? ['', 's'] : [''];
}

function inflected(word: string, form: string): string {
  return form === '' ? word : inflect(word, form);
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

class WeightedWords {
  readonly #words: string[] = [];
  readonly #sums: number[] = [];
  #sum = 0;

  constructor(synsets: readonly Synset[], file: number) {
    for (const { kind, words, occurrences } of synsets) {
      if (kind !== file || occurrences === 0) continue;
      // Adds all words of a meaning. The first word is the most common one and gets the largest weight.
      for (const [i, word] of words.entries()) {
        if (!/^[a-z]{2,}( [a-z]+)?$/.test(word)) continue;
        // The exponent reduces large counts, because otherwise a dozen words would fill most gaps.
        this.#sum += occurrences ** 0.7 / (i + 1);
        this.#words.push(word);
        this.#sums.push(this.#sum);
      }
    }
  }

  /** Returns the word at a fraction (0 to 1) of the sum of all weights. Undefined if no word of the kind is common. */
  at(share: number): string | undefined {
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! < share * this.#sum) low = middle + 1;
      else high = middle;
    }
    return this.#words[low];
  }
}
