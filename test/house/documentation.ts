import { join } from 'node:path';
import ts from 'typescript';
import { entries as publicEntries } from '../../tsup.config';
import { compile } from './program';
import { repository } from './sources';

/** What a module exports without a doc comment that says what it promises. */
export function undocumentedExports(program: ts.Program, path: string): readonly string[] {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${path} is not there, or exports nothing`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
    .filter((symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() === '')
    .map((symbol) => symbol.name);
}

/** The modules that users import, compiled. */
export function publicProgram(): { program: ts.Program; entries: readonly string[] } {
  const entries = Object.values(publicEntries).map((path) => join(repository, path));
  const files = new Map(entries.map((path) => [path, ts.sys.readFile(path) ?? '']));
  return { program: compile(files), entries };
}
