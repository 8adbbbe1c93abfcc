import { readdirSync, readFileSync } from 'node:fs';

/** Facts in one language, and a question about each, in other forms of its words. */
export interface LanguageSet {
  /** The code of ISO 639-1. */
  readonly language: string;
  readonly facts: readonly { readonly text: string; readonly question: string }[];
}

/** Reads the sets of all languages, each with 30 facts. */
export function languageSets(): readonly LanguageSet[] {
  const folder = new URL('languages/', import.meta.url);
  return readdirSync(folder).map((file) => ({ language: file.slice(0, 2), facts: factsIn(new URL(file, folder)) }));
}

function factsIn(file: URL): LanguageSet['facts'] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [text = '', question = ''] = line.split(' | ');
    return { text, question };
  });
}
