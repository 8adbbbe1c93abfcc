import { readdirSync, readFileSync } from 'node:fs';
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
 * Every ```ts and ```js block of a text, which may be a doc comment. A block that begins without an import continues
 * the one before it, and is compiled together with it.
 */
export function examplesIn(file: string, text: string): readonly Example[] {
  const found: Example[] = [];
  for (const { 1: margin = '', 2: body = '', index } of text.matchAll(
    /^([ \t]*(?:\*[ \t]?)?)```(?:ts|js)\n([\s\S]*?)^[ \t*]*```/gm,
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

/** The pages that a reader of the repository finds, relative to its root. */
export function pages(): readonly string[] {
  const docs = readdirSync(join(repository, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'ARCHITECTURE.md', ...docs.sort().map((name) => `docs/${name}`)];
}

/** The examples of the README, of the pages beside it and of every doc comment of the library. */
export function publishedExamples(): readonly Example[] {
  return [
    ...pages().flatMap((page) => examplesIn(page, readFileSync(join(repository, page), 'utf8'))),
    ...librarySources().flatMap(({ path, text }) => examplesIn(`src/${path}`, text)),
  ];
}

/** What the compiler says of the examples, each line with the place where the reader would look. */
export function exampleProblems(examples: readonly Example[]): readonly string[] {
  const byPath = new Map(examples.map((example, i) => [join(repository, `example-${i}.ts`), example]));
  // Examples are modules, and may leave a result unused.
  const files = new Map([...byPath].map(([path, { code }]) => [path, `${code}\nexport {};\n`]));
  // The models that a reader has, as far as examples import them.
  for (const name of ['your-chat-model.ts', 'your-language-model.ts'])
    files.set(join(repository, name), readFileSync(join(repository, 'test/docs/models', name), 'utf8'));
  const program = compile(files, { noUnusedLocals: false, noUnusedParameters: false });
  return [...byPath].flatMap(([path, { file, line }]) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map((diagnostic) => {
      const at = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
      return `${file}:${line + at}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
    }),
  );
}
