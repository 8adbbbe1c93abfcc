import { basename } from 'node:path/posix';
import { isWritten, type Source } from './sources';

/** Lines that no file exceeds. */
export const longest = 300;
/** Lines that most files stay under. */
export const usual = 150;
/** The share of files that stay under `usual`. */
export const usualShare = 0.85;

// Names that say that something has no place of its own.
const placeless = /^(utils?|helpers?|managers?|misc|common|stuff)$/i;

/** Files over the longest length, and the house as a whole where too many are long. */
export function lengthProblems(sources: readonly Source[]): readonly string[] {
  const lengths = sources.filter(isWritten).map(({ path, text }) => ({ path, lines: linesOf(text) }));
  const long = lengths.filter(({ lines }) => lines >= usual);
  const tooMany = long.length > lengths.length * (1 - usualShare);
  return [
    ...lengths
      .filter(({ lines }) => lines > longest)
      .map(({ path, lines }) => `src/${path}: ${lines} lines, over ${longest}`),
    ...(tooMany
      ? [`${long.length} of ${lengths.length} files have ${usual} lines or more: ${long.map(show).join(', ')}`]
      : []),
  ];
}

/** Files and folders named after having no place. The last word is the noun: `common-words` are words. */
export function nameProblems(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path }) => {
    const nouns = path.split('/').map((step) => basename(step, '.ts').split(/[-.]/).at(-1) ?? '');
    return nouns
      .filter((noun) => placeless.test(noun))
      .map((noun) => `src/${path}: '${noun}' says nothing of what it is`);
  });
}

function linesOf(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function show({ path, lines }: { path: string; lines: number }): string {
  return `${path} (${lines})`;
}
