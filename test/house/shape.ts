import { basename } from 'node:path/posix';
import ts from 'typescript';
import { isWritten, parse, placeOf, type Source, walk } from './sources';

/** A function fits a screen. A longer one has a comment right before it that begins with `Long:` and says why. */
export const maxFunctionLines = 70;

// Names that do not say what a file is about.
const vagueNoun = /^(utils?|helpers?|managers?|misc|common|stuff)$/i;

/** Functions longer than a screen without a comment that says why. */
export function functionLengthProblems(sources: readonly Source[]): readonly string[] {
  return sources.filter(isWritten).flatMap((source) => {
    const problems: string[] = [];
    const file = parse(source);
    walk(file, (node) => {
      if (!isFunction(node) || node.body === undefined) return;
      const lines = linesBetween(file, node);
      if (lines <= maxFunctionLines || saysWhy(file, node)) return;
      problems.push(
        `${placeOf(node)}: a function of ${lines} lines, over ${maxFunctionLines}: split it, or say why in a comment that begins with "Long:"`,
      );
    });
    return problems;
  });
}

/** Files and folders whose name ends in a word that says nothing about their content. */
export function nameProblems(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ path }) => {
    const nouns = path.split('/').map((step) => basename(step, '.ts').split(/[-.]/).at(-1) ?? '');
    return nouns
      .filter((noun) => vagueNoun.test(noun))
      .map((noun) => `src/${path}: '${noun}' does not say what the file is about`);
  });
}

function isFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node;
}

function linesBetween(file: ts.SourceFile, node: ts.Node): number {
  const line = (position: number) => file.getLineAndCharacterOfPosition(position).line;
  return line(node.getEnd()) - line(node.getStart(file)) + 1;
}

function saysWhy(file: ts.SourceFile, node: ts.Node): boolean {
  const comments = ts.getLeadingCommentRanges(file.text, node.getFullStart()) ?? [];
  return comments.some(({ pos, end }) => /(^|\s|\*)Long: \S/.test(file.text.slice(pos, end)));
}
