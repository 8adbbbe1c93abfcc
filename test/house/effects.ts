import ts from 'typescript';
import { folderOf, parse, placeOf, type Source, walk } from './sources';

// Time, randomness and timers, by the name that a program calls them by.
const global: ReadonlySet<string> = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'process.hrtime',
  'setTimeout',
  'setInterval',
  'setImmediate',
]);

// The same, as Node's modules name them: found where they are imported, so that `environment.randomBytes()` is no use of them.
const ofModules: ReadonlySet<string> = new Set([
  'randomBytes',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID',
  'getRandomValues',
  'performance',
]);

// Whatever prints. `process.emitWarning` does, to standard error.
const voices: ReadonlySet<string> = new Set(['console', 'process.stdout', 'process.stderr', 'process.emitWarning']);

/** What runs by itself, and what answers there where it is asked. */
const speakers = ['cli/main.ts', 'integrations/mcp/serve-stdio.ts'];

/** Uses of time, randomness and timers outside `environment/`, where a caller could not replace them. */
export function effectProblems(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ path }) => folderOf(path) !== 'environment')
    .flatMap((source) => uses(source, nameOfEffect).map((use) => `${use}: only environment/ may`));
}

/** Whatever would print: a library is silent. */
export function voiceProblems(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ path }) => !speakers.includes(path))
    .flatMap((source) => uses(source, (node) => nameIn(voices, node)).map((use) => `${use}: a library is silent`));
}

function uses(source: Source, nameOf: (node: ts.Node) => string | undefined): readonly string[] {
  const found: string[] = [];
  walk(parse(source), (node) => {
    const name = nameOf(node);
    if (name !== undefined) found.push(`${placeOf(node)}: ${name}`);
  });
  return found;
}

function nameOfEffect(node: ts.Node): string | undefined {
  const makesDate = ts.isNewExpression(node) || ts.isCallExpression(node);
  // With an argument `new Date` is a conversion; without, or as a plain call, it reads the clock.
  if (makesDate && node.expression.getText() === 'Date' && (ts.isCallExpression(node) || !node.arguments?.length))
    return 'Date()';
  return ts.isImportSpecifier(node) ? nameOfImport(node) : (nameIn(global, node) ?? nameOnModule(node));
}

function nameOfImport(node: ts.ImportSpecifier): string | undefined {
  const clause = node.parent.parent;
  if (node.isTypeOnly || clause.isTypeOnly) return undefined;
  const imported = (node.propertyName ?? node.name).text;
  const from = (clause.parent.moduleSpecifier as ts.StringLiteral).text;
  const isEffect =
    ofModules.has(imported) || (from === 'uuid' && /^v\d$/.test(imported)) || from.startsWith('node:timers');
  return isEffect ? `${imported} of ${from}` : undefined;
}

// `crypto.randomUUID()`, whether `crypto` is the global or was imported whole.
function nameOnModule(node: ts.Node): string | undefined {
  if (!ts.isPropertyAccessExpression(node) || !ofModules.has(node.name.text)) return undefined;
  return /^(globalThis\.)?(web)?crypto$/i.test(node.expression.getText()) ? node.getText() : undefined;
}

// `setTimeout(f)` and `globalThis.setTimeout(f)`, but not a property or variable of the program's own that has the name.
function nameIn(names: ReadonlySet<string>, node: ts.Node): string | undefined {
  const isName = ts.isPropertyAccessExpression(node) || (ts.isIdentifier(node) && isExpression(node));
  const text = isName ? node.getText().replace(/^globalThis\./, '') : '';
  return names.has(text) ? text : undefined;
}

function isExpression(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isTypeQueryNode(parent) || ts.isTypeReferenceNode(parent)) return false;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  const names = 'name' in parent && parent.name === node;
  return !names || ts.isShorthandPropertyAssignment(parent);
}
