import type { Random } from './seeded-random';
import { days, givenNames, months, sentencePatterns } from './sentence-patterns';
import { inflect } from './verb-forms';
import type { Synset } from './wordnet';

/** The lexicographer file of each kind of word (lexnames(5WN)). */
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

/** Fills the gaps of patterns: with common words of the kind, the more often the more common. */
export class SentenceMaker {
  readonly #random: Random;
  readonly #words = new Map<string, WeightedWords>();

  constructor(synsets: readonly Synset[], random: Random) {
    this.#random = random;
    for (const [kind, file] of Object.entries(kinds)) this.#words.set(kind, new WeightedWords(synsets, file));
  }

  sentence(): string {
    return this.oneOf(sentencePatterns)
      .replace(/\{(\w+)(?::(\w+))?\}/g, (_, kind: string, form: string | undefined) => this.#fill(kind, form))
      .replace(/\ba (?=[aeiou])/g, 'an ');
  }

  name(): string {
    return this.oneOf(givenNames);
  }

  oneOf<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random() * all.length)]!;
  }

  #fill(kind: string, form: string | undefined): string {
    switch (kind) {
      case 'name':
        return this.name();
      case 'month':
        return this.oneOf(months);
      case 'day':
        return this.oneOf(days);
      case 'year':
        return String(1950 + Math.floor(this.#random() * 80));
      case 'number':
        return String(1 + Math.floor(this.#random() ** 3 * 100));
      default: {
        const words = this.#words.get(kind);
        if (words === undefined) throw new Error(`No kind of word is called ${kind}.`);
        const word = words.at(this.#random());
        return form === undefined ? word : inflect(word, form);
      }
    }
  }
}

class WeightedWords {
  readonly #words: string[] = [];
  readonly #sums: number[] = [];
  #sum = 0;

  constructor(synsets: readonly Synset[], file: number) {
    for (const { kind, words, occurrences } of synsets) {
      if (kind !== file || occurrences === 0) continue;
      // Every word of a meaning, the first the most: it is the most common.
      for (const [i, word] of words.entries()) {
        if (!/^[a-z]{2,}( [a-z]+)?$/.test(word)) continue;
        // Dampened, or a dozen words would fill most gaps.
        this.#sum += occurrences ** 0.7 / (i + 1);
        this.#words.push(word);
        this.#sums.push(this.#sum);
      }
    }
  }

  /** The word at a share of all weights, from 0 to 1. */
  at(share: number): string {
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! < share * this.#sum) low = middle + 1;
      else high = middle;
    }
    return this.#words[low]!;
  }
}
