import { basename } from 'node:path/posix';
import ts from 'typescript';
import { type Import, importsOf } from './imports';
import { folderOf, parse, placeOf, type Source, walk } from './sources';

/**
 * What each folder of `src/` may import, besides itself: domain <- access <- state <- write, recall <- store.
 * A folder that is missing here is reported, so that a new one finds its place on purpose.
 */
export const mayImport: Readonly<Record<string, readonly string[] | 'everything'>> = {
  domain: [],
  access: ['domain'],
  environment: ['domain'],
  sqlite: ['domain'],
  // The words of a text are counted once, by the peer that proposes it.
  log: ['domain', 'environment', 'keyword-index', 'raft', 'raft/core', 'log/codec'],
  // Bytes and checksums: the format of entries, and of what nodes send each other.
  'log/codec': ['domain'],
  // Consensus decides alone from what it is given: it knows neither memories nor clocks nor disks.
  'raft/core': [],
  raft: ['domain', 'environment', 'raft/core', 'log/codec'],
  // What models of all kinds share that are reached over the network.
  providers: ['domain', 'environment'],
  embedding: ['domain', 'environment', 'providers'],
  // Turns texts into facts, and knows neither memories nor stores.
  consolidation: ['domain', 'environment', 'keyword-index', 'providers'],
  screening: ['domain', 'environment'],
  'vector-index': ['domain', 'environment'],
  'keyword-index': ['domain'],
  audit: ['domain', 'sqlite', 'environment'],
  state: ['domain', 'access', 'audit', 'environment', 'keyword-index', 'vector-index', 'sqlite'],
  // What a peer adds to a store: it decides from what the log and the state say.
  replica: ['domain', 'environment', 'log', 'sqlite', 'state'],
  write: ['domain', 'access', 'audit', 'state', 'embedding', 'screening', 'log', 'environment'],
  recall: ['domain', 'access', 'audit', 'state', 'sqlite', 'embedding', 'vector-index', 'keyword-index', 'environment'],
  // Consolidation, retention and erasure: what happens to memories that nobody writes at the moment.
  lifecycle: [
    ...['domain', 'access', 'state', 'write', 'recall', 'consolidation', 'keyword-index', 'embedding', 'environment'],
  ],
  // Finds out whether anything of what was erased is left on disk, and says so in a receipt.
  erasure: ['domain', 'audit', 'state', 'keyword-index', 'environment'],
  reembedding: ['domain', 'state', 'write', 'embedding', 'vector-index', 'environment'],
  // A log outside of the process: it knows messages, and neither memories nor disks.
  jetstream: ['domain', 'environment', 'log', 'log/codec', 'raft', 'raft/core'],
  connect: 'everything',
  store: 'everything',
  // Each integration imports only itself, `integrations/shared/` and what users import: see `integrationProblem`.
  integrations: [],
  // The empty name is the public surface; the version stands in package.json, beside the house.
  cli: ['', 'integrations', 'environment', '..'],
  testing: 'everything',
  '': 'everything',
};

/** The ports, each with the file that declares it. */
export const ports: Readonly<Record<string, string>> = {
  Embedder: 'embedding/embedder',
  Summarizer: 'consolidation/summarizer',
  Screener: 'screening/screener',
  VectorIndex: 'vector-index/vector-index',
  ReplicatedLog: 'log/replicated-log',
  RaftStorage: 'raft/storage/raft-storage',
  Clock: 'environment/environment',
};

/** The files that may name implementations of ports: the composition root, and what hands them to users and to tests. */
export const compositionRoot = ['store/composition/compose', 'index', 'testing/'];

/** Files that any folder may import: they extend the language, suggest words or escape characters, and know nothing of stored memories. */
const languageHelpers: readonly string[] = [
  'domain/defined',
  'domain/names',
  'domain/realms',
  'domain/suggestion',
  'domain/visible-text',
];

/** Imports that go against the direction of the house. */
export function directionProblems(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(importsOf).flatMap((found) => {
    const { target, place } = found;
    if (target === undefined) return [];
    const [from, to] = [roomOf(found.from), roomOf(target)];
    const allowed = mayImport[from];
    if (allowed === undefined) return [`${place}: the house has no place for the folder ${from}/`];
    if (languageHelpers.includes(target) && from !== 'raft/core') return [];
    const integration = integrationOf(found.from);
    if (integration !== undefined)
      return mayIntegrationImport(integration, target)
        ? []
        : [`${place}: an integration may import only src/index and integrations/shared, not ${target}`];
    if (to === '' && !allowed.includes('')) return [`${place}: imports ${target}, which is for users only`];
    // The ports of `raft/` speak of entries and snapshots, which the core declares.
    const isOfRaft = from === 'raft' && to === 'raft/core';
    if (Object.values(ports).includes(stem(found.from)) && to !== 'domain' && !isOfRaft)
      return [`${place}: a port imports only domain, and not ${target}`];
    if (from === to || allowed === 'everything' || allowed.includes(to)) return [];
    return [`${place}: ${from}/ may not import ${target}`];
  });
}

/** The row of `mayImport` that a file belongs to: that of the folder in its folder, if there is one. */
function roomOf(path: string): string {
  const inner = path.split('/').slice(0, 2).join('/');
  return inner in mayImport ? inner : folderOf(path);
}

/** An implementation of a port: the file that declares it, without extension, and its name there. */
export interface Implementation {
  readonly port: string;
  readonly file: string;
  readonly name: string;
}

/** The folder of what several integrations have in common. It imports no integration itself. */
const sharedIntegration = 'shared';

// A server needs time and randomness, which only `environment` gives, and the version in package.json, which is in `..`.
function mayIntegrationImport(integration: string, target: string): boolean {
  if (target === 'index' || folderOf(target) === 'environment' || folderOf(target) === '..') return true;
  const other = integrationOf(target);
  return other === integration || other === sharedIntegration;
}

/** The integration that a file is part of. */
function integrationOf(path: string): string | undefined {
  return /^integrations\/([^/]+)\//.exec(path)?.[1];
}

/** Names of implementations that appear outside their folder and the composition root, as values or as types. */
export function implementationProblems(sources: readonly Source[]): readonly string[] {
  const implementations = implementationsIn(sources);
  return sources.flatMap(importsOf).flatMap(({ from, target, names, place }) => {
    const isRoot = compositionRoot.some((path) => (path.endsWith('/') ? from.startsWith(path) : stem(from) === path));
    if (target === undefined || isRoot || folderOf(from) === folderOf(target)) return [];
    return implementations
      .filter(({ file, name }) => file === target && (names === undefined || names.includes(name)))
      .map(({ name, port }) => `${place}: names ${name}, an implementation of ${port}; only the composition root may`);
  });
}

/** Every class, function and constant at the top of a file that says that it is, or makes, one of the ports. */
export function implementationsIn(sources: readonly Source[]): readonly Implementation[] {
  return sources
    .filter(({ path }) => !['testing', 'store'].includes(folderOf(path)))
    .flatMap((source) => {
      const found: Implementation[] = [];
      walk(parse(source), (node) => {
        const port = portImplementedBy(node);
        if (port === undefined) return;
        const { name } = node as ts.NamedDeclaration;
        found.push({ port, file: stem(source.path), name: name?.getText() ?? 'default' });
      });
      return found;
    });
}

/** Rings of files that import each other. Type imports count: files that name each other are one thought in two places. */
export function cycleProblems(sources: readonly Source[]): readonly string[] {
  const edges = new Map(sources.map((source) => [stem(source.path), targetsOf(source)]));
  const finished = new Set<string>();
  const rings: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) rings.push([...path.slice(start), file].join(' -> '));
    if (start >= 0 || finished.has(file)) return;
    for (const target of edges.get(file) ?? []) visit(target, [...path, file]);
    finished.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return rings;
}

/** Files that only pass on what others declare, besides the public entries, and every `export *`. */
export function barrelProblems(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) => {
    const file = parse(source);
    const passedOn = file.statements.filter(
      (node) => ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined,
    );
    const stars = passedOn.filter((node) => (node as ts.ExportDeclaration).exportClause === undefined);
    const isEntry = /^(testing\/|jetstream\/|integrations\/[^/]+\/)?index\.ts$/.test(source.path);
    return [
      ...stars.map((node) => `${placeOf(node)}: export * hides what is public; name each thing`),
      ...(passedOn.length > 0 && !isEntry ? [`src/${source.path}: passes on what other files declare`] : []),
      ...(basename(source.path) === 'index.ts' && !isEntry
        ? [`src/${source.path}: only the public entries are index files`]
        : []),
    ];
  });
}

function targetsOf(source: Source): readonly string[] {
  return importsOf(source).flatMap(({ target }: Import) => (target === undefined ? [] : [target]));
}

function stem(path: string): string {
  return path.replace(/\.ts$/, '');
}

// A class that says `implements Port`, or a function or exported constant that says that it is or returns one.
function portImplementedBy(node: ts.Node): string | undefined {
  if (ts.isClassLike(node)) {
    const types = (node.heritageClauses ?? []).flatMap((clause) => clause.types);
    return types.map((type) => type.expression.getText()).find((name) => name in ports);
  }
  const makes = ts.isFunctionDeclaration(node) || (ts.isVariableDeclaration(node) && isTopLevel(node));
  if (!makes || node.type === undefined) return undefined;
  const name = node.type.getText().replace(/^Promise<(.*)>$/, '$1');
  return name in ports ? name : undefined;
}

function isTopLevel(node: ts.VariableDeclaration): boolean {
  return ts.isSourceFile(node.parent.parent.parent);
}
