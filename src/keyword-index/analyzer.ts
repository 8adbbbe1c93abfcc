import { stemmer } from 'stemmer';
import { stopWords } from './stop-words';
import { runs, wordsOf } from './words';

/**
 * Changes whenever the same text may give other tokens, so that what was indexed before must be indexed anew. It names the
 * Unicode version because classes of characters, case and normalisation come from the runtime.
 */
export const analyzerVersion = `1 unicode ${process.versions.unicode}`;

/** The tokens of runs seen before: a run is mostly one word, and texts repeat their words. */
const known = new Map<string, string | readonly string[]>();
const maxKnown = 20_000;
const longestKnown = 64;
const latinWord = /^[a-z]+$/;

const maxTerms = 64;

/**
 * The tokens of a text, in order and with repetition: the same for texts and for queries. English words are reduced to their
 * stems (Porter, 'An algorithm for suffix stripping', 1980).
 *
 * A token is 1 to 64 UTF-16 units of lower-case ASCII letters, ASCII digits and characters beyond ASCII. Joined by spaces, FTS5's
 * tokenizer `ascii` gives back exactly these tokens.
 */
export function analyze(text: string): string[] {
  const tokens: string[] = [];
  for (const run of runs(text)) {
    const found = known.get(run) ?? tokensOf(run);
    if (typeof found === 'string') tokens.push(found);
    else for (const token of found) tokens.push(token);
  }
  return tokens;
}

/**
 * The terms to look for: the tokens of the query, each once, in order, the first 64 of them, so that a pasted document has its
 * bounds. English stop words are left out unless nothing else is there. Empty for a query without any letter, digit or emoji.
 */
export function analyzeQuery(query: string): string[] {
  const words = runs(query).flatMap(wordsOf);
  const telling = words.filter((word) => !stopWords.has(word));
  return [...new Set((telling.length > 0 ? telling : words).map(stem))].slice(0, maxTerms);
}

function tokensOf(run: string): string | readonly string[] {
  if (run.length > longestKnown) return wordsOf(run).map(stem);
  // A copy, because a run may be a view that keeps the whole text it was cut from in memory.
  const copy = Buffer.from(run).toString();
  const tokens = wordsOf(copy).map(stem);
  const found = tokens.length === 1 ? tokens[0]! : tokens;
  if (known.size >= maxKnown) known.clear();
  known.set(copy, found);
  return found;
}

function stem(word: string): string {
  return latinWord.test(word) ? stemmer(word) : word;
}
