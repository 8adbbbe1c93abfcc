import { type Random, random } from './random';

// Ranks 1 to 40 are common English words, which searches ignore.
const functionWords = (
  'the a to i and of it you that in is was for on my with have so be we this but at me they are as not from about what ' +
  'do when all will if your had how'
).split(' ');
const vocabularySize = 30_000;
const onsets = ['b', 'd', 'f', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'st', 'tr', 'pl', 'ch', 'sh'];
const rhymes = ['ab', 'an', 'ar', 'el', 'en', 'im', 'in', 'ol', 'on', 'or', 'um', 'un'];

// A Zipf distribution with Mandelbrot's offset, fitted to LoCoMo's chats in chunks of 600 bytes. There the 1st word makes 4.5 % of the
// tokens, the 10th 1.2 %, the 100th 0.22 %, the 1,000th 0.007 %; here 4.9, 1.3, 0.12 and 0.009 %.
const offset = 3;
const exponent = 1.15;
const textBytes = 600;
const wordsPerSentence = 12;
// A tenth of the words of a text come from the twenty words of its topic.
const topicShare = 0.1;
const wordsPerTopic = 20;

const vocabulary = Array.from({ length: vocabularySize }, (_, rank) => functionWords[rank] ?? madeUpWord(rank));
const sampler = samplerOf(vocabulary.map((_, rank) => (rank + 1 + offset) ** -exponent));

/** An English-like text of about 600 bytes, the same for the same arguments. Texts of one topic share some words. */
export function textOf(memory: number, topic: number): string {
  const chance = random(1, memory);
  let text = '';
  for (let words = 0; text.length < textBytes; words++) {
    const isOfTopic = chance.uniform() < topicShare;
    const word = isOfTopic ? topicWord(topic, chance) : wordAt(sampler[chance.whole(sampler.length)] as number);
    const starts = words % wordsPerSentence === 0;
    text += starts ? `${text === '' ? '' : '. '}${word[0]?.toUpperCase()}${word.slice(1)}` : ` ${word}`;
  }
  return `${text}.`;
}

/** A query of 3 to 6 words: half are words of the topic, half are any words. */
export function wordsOf(number: number, topic: number): string {
  const chance = random(2, number);
  const word = () => (chance.uniform() < 0.5 ? topicWord(topic, chance) : tellingWord(chance));
  return Array.from({ length: 3 + chance.whole(4) }, word).join(' ');
}

function topicWord(topic: number, chance: Random): string {
  return tellingWord(random(3, topic, chance.whole(wordsPerTopic)));
}

/**
 * A random word, uniform in the logarithm of its rank. This gives the word frequencies of LoCoMo's questions: half of the words are
 * in 2 to 4 % of the texts, one in ten in 20 %, one in ten in 0.2 %.
 */
function tellingWord(chance: Random): string {
  const [from, to] = [Math.log(functionWords.length), Math.log(5_000)];
  return wordAt(Math.floor(Math.exp(from + chance.uniform() * (to - from))));
}

function wordAt(rank: number): string {
  return vocabulary[rank] as string;
}

/** A word of two or three syllables. Each rank has another word, and the spelling does not reveal the rank. */
function madeUpWord(rank: number): string {
  const syllables = onsets.length * rhymes.length;
  const shuffled = (rank * 7919) % (syllables * syllables);
  const syllable = (i: number) => `${onsets[i % onsets.length]}${rhymes[Math.floor(i / onsets.length)]}`;
  return syllable(shuffled % syllables) + syllable(Math.floor(shuffled / syllables));
}

/** A list that contains each rank in proportion to its share, so that a uniform choice follows the shares. */
function samplerOf(shares: readonly number[]): Uint16Array {
  const table = new Uint16Array(2 ** 21);
  const total = shares.reduce((sum, share) => sum + share, 0);
  let [end, filled] = [0, 0];
  for (const [rank, share] of shares.entries()) {
    end += (share / total) * table.length;
    while (filled < Math.round(end)) table[filled++] = rank;
  }
  return table;
}
