import { stemmer } from 'stemmer';
import { commonWords } from './common-words';

// 32-bit FNV-1a (Fowler, Noll and Vo, http://www.isthe.com/chongo/tech/comp/fnv/), fed with UTF-16 units in place of octets.
const fnvOffsetBasis = 0x811c9dc5;
const fnvPrime = 0x01000193;
// Apart from the fragments, so that the stem 'car' and the fragment 'car' of 'scarf' are two features.
const stemBasis = fnvOffsetBasis ^ 0xff;

// Measured on LoCoMo turns: fragments of 2 to 4 characters find one in a hundred more than those of 3 to 5.
const shortestFragment = 2;
const longestFragment = 4;

/** Common words count a third. Leaving them out finds less: they are all that some questions share with their answers. */
const commonWeight = 0.3;
/** Beyond this many characters a word is not taken to say more. */
const tellingLength = 12;
/** No English word is longer; a key or a hash would only cost time. */
const longestStemmed = 40;

const spaceless = String.raw`\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}`;
const startsSpaceless = new RegExp(`^[${spaceless}]`, 'u');
const word = new RegExp(
  String.raw`[${spaceless}]+|(?![${spaceless}])[\p{L}\p{N}](?:(?![${spaceless}])[\p{L}\p{N}\p{M}])*|\p{Extended_Pictographic}|\p{RI}{2}`,
  'gu',
);
const ascii = /^[\0-\x7f]*$/;
const asciiWord = /[a-z0-9]+/g;
const english = /^[a-z]+$/;

/**
 * Adds the features of a text to `vector`, which should be zero: each word of the text by its stem and by its fragments.
 *
 * A feature adds its weight at one place of the vector with one sign, both taken from its hash, so that collisions cancel
 * on average: Weinberger and others, 'Feature hashing for large scale multitask learning', ICML 2009.
 */
export function addText(vector: Float32Array, text: string): void {
  const counts = new Map<string, number>();
  for (const found of wordsOf(text)) counts.set(found, (counts.get(found) ?? 0) + 1);
  // A text without a letter, a digit or an emoji is one word, whatever it holds.
  if (counts.size === 0) counts.set(text, 1);
  for (const [found, count] of counts) addWord(vector, found, weightOf(found) * (1 + Math.log(count)));
}

function wordsOf(text: string): readonly string[] {
  const folded = (ascii.test(text) ? text : text.normalize('NFKC')).toLowerCase();
  // What both patterns find in ASCII is the same; the first takes a fraction of the time.
  const runs = folded.match(ascii.test(folded) ? asciiWord : word) ?? [];
  return runs.flatMap((run) => (startsSpaceless.test(run) ? pairsOf([...run]) : run));
}

// Scripts written without spaces, and Korean with its particles, are read as overlapping pairs of characters.
function pairsOf(characters: readonly string[]): readonly string[] {
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`);
}

// The rarer a word the more it says. Without a corpus its length stands in for that: Piantadosi, Tily and Gibson, 'Word lengths
// are optimized for efficient communication', PNAS 2011.
function weightOf(found: string): number {
  return Math.sqrt(Math.min(found.length, tellingLength)) * (commonWords.has(found) ? commonWeight : 1);
}

// The stem counts as much as all fragments together.
function addWord(vector: Float32Array, found: string, weight: number): void {
  const stem = found.length <= longestStemmed && english.test(found) ? stemmer(found) : found;
  let hash = stemBasis;
  for (let i = 0; i < stem.length; i++) hash = Math.imul(hash ^ stem.charCodeAt(i), fnvPrime);
  addFeature(vector, hash, weight);
  // With its ends marked a word has other fragments at its beginning than in its middle.
  addFragments(vector, `<${found}>`, weight);
}

function addFragments(vector: Float32Array, marked: string, weight: number): void {
  let fragments = 0;
  for (let n = shortestFragment; n <= longestFragment; n++) fragments += Math.max(0, marked.length - n + 1);
  const share = weight / Math.sqrt(fragments);
  for (let start = 0; start < marked.length; start++) {
    let hash = fnvOffsetBasis;
    const end = Math.min(marked.length, start + longestFragment);
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ marked.charCodeAt(i), fnvPrime);
      if (i - start + 1 >= shortestFragment) addFeature(vector, hash, share);
    }
  }
}

function addFeature(vector: Float32Array, hash: number, weight: number): void {
  const mixed = mix(hash);
  const place = (mixed >>> 1) % vector.length;
  vector[place] = vector[place]! + ((mixed & 1) === 1 ? weight : -weight);
}

// The finaliser of MurmurHash3 (Appleby), because FNV leaves the bits of short inputs far from evenly spread.
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
