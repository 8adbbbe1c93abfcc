import { posix } from 'node:path';
import ts from 'typescript';
import { parse, placeOf, type Source, walk } from './sources';

/** One module that a file names, in whichever way: import, type import, re-export, dynamic import, import type, require. */
export interface Import {
  /** The file that names it, relative to `src/`. */
  readonly from: string;
  readonly specifier: string;
  /** For a relative specifier: the file it names, relative to `src/`, without its extension. */
  readonly target: string | undefined;
  /** The names that are taken from it, as it declares them; undefined where the whole module is. */
  readonly names: readonly string[] | undefined;
  /** Whether nothing of it is left when the program runs. */
  readonly typeOnly: boolean;
  /** Whether it is loaded on first use. */
  readonly lazy: boolean;
  readonly place: string;
}

// Many checks ask for the imports of the same files.
const importsOfSources = new WeakMap<Source, readonly Import[]>();

/** Everything that the file imports. */
export function importsOf(source: Source): readonly Import[] {
  const known = importsOfSources.get(source);
  if (known !== undefined) return known;
  const found: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean, lazy = false): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const target = specifier.text.startsWith('.')
      ? posix.join(posix.dirname(source.path), specifier.text).replace(/\.[jt]s$/, '')
      : undefined;
    const names = namesOf(node);
    found.push({ from: source.path, specifier: specifier.text, target, names, typeOnly, lazy, place: placeOf(node) });
  };
  walk(parse(source), (node) => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, isTypeOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, true);
    else if (ts.isCallExpression(node) && loadsModule(node)) add(node, node.arguments[0], false, true);
  });
  importsOfSources.set(source, found);
  return found;
}

/** The package of a bare specifier, and undefined for a relative one or one of Node's own. */
export function packageOf({ specifier }: Import): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function namesOf(node: ts.Node): readonly string[] | undefined {
  if (ts.isImportTypeNode(node)) return node.qualifier && [node.qualifier.getText()];
  const bindings = ts.isImportDeclaration(node)
    ? node.importClause?.namedBindings
    : ts.isExportDeclaration(node)
      ? node.exportClause
      : undefined;
  if (bindings === undefined || !('elements' in bindings)) return undefined;
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const { name, namedBindings } = clause;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.every((element) => element.isTypeOnly);
}

// `import()`, `require()` and `createRequire(import.meta.url)()`.
function loadsModule({ expression }: ts.CallExpression): boolean {
  if (expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isIdentifier(expression)) return expression.text === 'require';
  return ts.isCallExpression(expression) && /\bcreateRequire$/.test(expression.expression.getText());
}
