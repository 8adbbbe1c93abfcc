import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** A file of the library. `path` is relative to `src/`, with slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Where the repository begins. */
export const repository = fileURLToPath(new URL('../../', import.meta.url));

// AssemblyScript, which has a compiler of its own, and programs that make generated files: neither is in the package.
const notOfThePackage = /\/(assembly|build)\//;

/** Every TypeScript file of the library. Files that a program wrote end in `.generated.ts`. */
export function librarySources(): readonly Source[] {
  return readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !notOfThePackage.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(repository, 'src', path), 'utf8') }));
}

/** Whether a person wrote the file. */
export function isWritten(source: Source): boolean {
  return !source.path.endsWith('.generated.ts');
}

/** The folder directly below `src/` that holds the file; `''` for `index.ts` itself. */
export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

// Many checks look at the same files.
const parsed = new WeakMap<Source, ts.SourceFile>();

export function parse(source: Source): ts.SourceFile {
  const file = parsed.get(source) ?? ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true);
  parsed.set(source, file);
  return file;
}

/** Calls `visit` for every node of the file, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** `path:line`, as editors and terminals understand it. */
export function placeOf(node: ts.Node): string {
  const file = node.getSourceFile();
  return `src/${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`;
}
