import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { compile } from './program';
import { librarySources, repository } from './sources';

/** A piece of TypeScript that users read. */
export interface Example {
  /** The file it stands in, relative to the repository. */
  readonly file: string;
  /** The line of that file on which its code begins, from 1. */
  readonly line: number;
  readonly code: string;
}

/**
 * Every ```ts block of a text, which may stand in a doc comment. A block that begins without an import goes on from
 * the one before it, and is compiled together with that.
 */
export function examplesIn(file: string, text: string): readonly Example[] {
  const found: Example[] = [];
  for (const { 1: margin = '', 2: body = '', index } of text.matchAll(
    /^([ \t]*(?:\*[ \t]?)?)```ts\n([\s\S]*?)^[ \t*]*```/gm,
  )) {
    const lines = body
      .split('\n')
      .map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line.trim().replace(/^\*\s?/, '')));
    const line = text.slice(0, index).split('\n').length + 1;
    const before = found.at(-1);
    const goesOn = before !== undefined && !/^\s*import /.test(lines.join('\n'));
    // Blank lines keep every line of the joined code as far down as it is in the file.
    const gap = goesOn ? '\n'.repeat(line - before.line - before.code.split('\n').length + 1) : '';
    if (goesOn) found[found.length - 1] = { ...before, code: before.code + gap + lines.join('\n') };
    else found.push({ file, line, code: lines.join('\n') });
  }
  return found;
}

/** The examples of the README, of the pages beside it and of every doc comment of the library. */
export function publishedExamples(): readonly Example[] {
  return [
    ...['README.md', 'docs/coming-from.md'].flatMap((page) =>
      existsSync(join(repository, page)) ? examplesIn(page, readFileSync(join(repository, page), 'utf8')) : [],
    ),
    ...librarySources().flatMap(({ path, text }) => examplesIn(`src/${path}`, text)),
  ];
}

/** What the compiler says of the examples, each line with the place where the reader would look. */
export function exampleProblems(examples: readonly Example[]): readonly string[] {
  const byPath = new Map(examples.map((example, i) => [join(repository, `example-${i}.ts`), example]));
  // Examples are modules, and may leave a result unused.
  const files = new Map([...byPath].map(([path, { code }]) => [path, `${code}\nexport {};\n`]));
  const program = compile(files, { noUnusedLocals: false, noUnusedParameters: false });
  return [...byPath].flatMap(([path, { file, line }]) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map((diagnostic) => {
      const at = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
      return `${file}:${line + at}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
    }),
  );
}
