import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A meaning and the words that have it. */
export interface Synset {
  /** The number of the lexicographer file, which is the kind of the words: 5 animals, 6 artefacts, 18 people (lexnames(5WN)). */
  readonly kind: number;
  /** The words in their original case, with spaces in place of underscores. */
  readonly words: readonly string[];
  readonly definition: string;
  readonly examples: readonly string[];
  /** How often the meaning occurs in the texts that the authors of WordNet counted. */
  readonly occurrences: number;
}

/**
 * Reads all meanings (synsets) of a WordNet database, in the order of its files. `folder` contains `data.noun`, `index.sense` and so
 * on.
 */
export async function readWordnet(folder: string): Promise<Synset[]> {
  const occurrences = await readOccurrences(folder);
  const synsets: Synset[] = [];
  for (const part of ['noun', 'verb', 'adj', 'adv']) {
    const data = await readFile(join(folder, `data.${part}`), 'utf8');
    // Indented lines are the licence at the beginning of the file.
    for (const line of data.split('\n')) if (/^\d/.test(line)) synsets.push(parseSynset(line, occurrences));
  }
  return synsets;
}

// Parses a line of data.* (wndb(5WN)): offset, lexicographer file, type, number of words in base 16, each word with a number,
// pointers, frames, a vertical bar, the gloss.
function parseSynset(line: string, occurrences: ReadonlyMap<string, number>): Synset {
  const bar = line.indexOf(' | ');
  const fields = line.slice(0, bar).split(' ');
  const count = Number.parseInt(fields[3]!, 16);
  const words = Array.from({ length: count }, (_, i) =>
    fields[4 + 2 * i]!.replace(/\((a|p|ip)\)$/, '').replaceAll('_', ' '),
  );
  const gloss = line.slice(bar + 3).trim();
  const examples = [...gloss.matchAll(/"([^"]+)"/g)].map((match) => match[1]!.trim());
  const definition = gloss.split(/;?\s*"/, 1)[0]!.trim();
  return {
    kind: Number(fields[1]),
    words,
    definition,
    examples,
    occurrences: occurrences.get(`${fields[2]} ${fields[0]}`) ?? 0,
  };
}

const typeLetters = ['', 'n', 'v', 'a', 'r', 's'];

async function readOccurrences(folder: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const index = await readFile(join(folder, 'index.sense'), 'utf8');
  for (const line of index.split('\n')) {
    const [key, offset, , count] = line.split(' ');
    if (key === undefined || offset === undefined) continue;
    const synset = `${typeLetters[Number(key.split('%')[1]![0])]} ${offset}`;
    found.set(synset, (found.get(synset) ?? 0) + Number(count));
  }
  return found;
}
