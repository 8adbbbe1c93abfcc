import { describe, expect, test } from 'vitest';
import {
  barrelProblems,
  cycleProblems,
  directionProblems,
  implementationProblems,
  implementationsIn,
  ports,
} from './directions';
import { librarySources } from './sources';

const sources = librarySources();

describe('imports point one way', () => {
  test('from the store down to the domain', () => {
    expect(directionProblems(sources)).toEqual([]);
  });

  test.each([
    ['domain/memory.ts', `import { open } from '../store/open';`, 'domain/ may not import store/open'],
    ['access/decide.ts', `import type { Write } from '../write/write';`, 'access/ may not import write/write'],
    ['state/apply/applier.ts', `const { x } = await import('../../recall/fuse');`, 'state/ may not import recall/fuse'],
    ['write/stamp.ts', `export { x } from '../recall/fuse';`, 'write/ may not import recall/fuse'],
    ['write/stamp.ts', `type X = import('../store/open').X;`, 'write/ may not import store/open'],
    ['recall/recall.ts', `import { x } from '../index';`, 'for users only'],
    ['log/replicated-log.ts', `import { x } from '../environment/environment';`, 'a port imports only domain'],
    ['log/replicated-log.ts', `import { x } from './local-log';`, 'a port imports only domain'],
    ['integrations/a/a.ts', `import { x } from '../../domain/memory';`, 'integrations/shared, not domain/memory'],
    ['integrations/a/a.ts', `import { x } from '../b/b';`, 'integrations/shared, not integrations/b/b'],
    ['integrations/a/a.ts', `import { x } from '../shared-b/b';`, 'integrations/shared, not integrations/shared-b/b'],
    ['integrations/shared/a.ts', `import { x } from '../b/b';`, 'integrations/shared, not integrations/b/b'],
    ['integrations/shared/a.ts', `import { x } from '../../domain/memory';`, 'not domain/memory'],
    ['recall/recall.ts', `import { x } from '../integrations/shared/a';`, 'recall/ may not import integrations/shared'],
    ['raft/core/step.ts', `import { x } from '../../domain/defined';`, 'raft/core/ may not import domain/defined'],
    ['raft/core/step.ts', `import type { X } from '../storage/a';`, 'raft/core/ may not import raft/storage/a'],
    ['raft/core/step.ts', `import { x } from '../../environment/timers';`, 'may not import environment/timers'],
    ['domain/memory.ts', `import { x } from '../raft/core/step';`, 'domain/ may not import raft/core/step'],
    ['raft/storage/a.ts', `import { x } from '../../state/apply/applier';`, 'raft/ may not import state/apply/applier'],
    ['odds/ends.ts', `import { x } from '../domain/memory';`, 'no place for the folder odds/'],
  ])('a planted import in %s is reported: %s', (path, text, problem) => {
    expect(directionProblems([{ path, text }])).toEqual([expect.stringContaining(problem)]);
    expect(directionProblems([{ path, text }])[0]).toMatch(/^src\/.+:1: /);
  });
});

test.each(['../../index', './b', '../shared/a', '../../domain/defined', '../../domain/realms'])(
  'an integration may import %s',
  (specifier) => {
    expect(directionProblems([{ path: 'integrations/a/a.ts', text: `import { x } from '${specifier}';` }])).toEqual([]);
  },
);

test('the storage of a Raft node may import the core', () => {
  expect(directionProblems([{ path: 'raft/storage/a.ts', text: `import { x } from '../core/entry';` }])).toEqual([]);
});

describe('only the composition root names an implementation of a port', () => {
  test('in the library', () => {
    expect(implementationProblems(sources)).toEqual([]);
  });

  test('every port has an implementation that this test knows', () => {
    expect(new Set(implementationsIn(sources).map(({ port }) => port))).toEqual(new Set(Object.keys(ports)));
  });

  const port = `import type { VectorIndex } from './vector-index';`;
  test.each([
    'export class lance implements VectorIndex {}',
    'export function lance(): VectorIndex { throw 0; }',
    'export async function lance(): Promise<VectorIndex> { throw 0; }',
    'export const lance: VectorIndex = make();',
  ])('a planted mention of an implementation is reported: %s', (text) => {
    const declared = { path: 'vector-index/lance.ts', text: `${port} ${text} export const probes = 20;` };
    const problemsOf = (path: string, by: string) => implementationProblems([declared, { path, text: by }]);
    const problem = /^src\/recall\/candidates\.ts:1: names lance, an implementation of VectorIndex/;
    for (const by of [
      `import { lance } from '../vector-index/lance';`,
      `import type { lance as Index } from '../vector-index/lance';`,
      `import * as index from '../vector-index/lance';`,
      `const index = await import('../vector-index/lance');`,
      `let index: import('../vector-index/lance').lance;`,
    ])
      expect(problemsOf('recall/candidates.ts', by)).toEqual([expect.stringMatching(problem)]);
    expect(problemsOf('recall/candidates.ts', `import { probes } from '../vector-index/lance';`)).toEqual([]);
    expect(problemsOf('vector-index/hybrid.ts', `import { lance } from './lance';`)).toEqual([]);
    expect(problemsOf('store/composition/compose.ts', `import { lance } from '../vector-index/lance';`)).toEqual([]);
  });
});

describe('no file imports itself through other files', () => {
  test('in the library', () => {
    expect(cycleProblems(sources)).toEqual([]);
  });

  test('a planted import cycle is reported', () => {
    const ring = [
      { path: 'write/a.ts', text: `import './b';` },
      { path: 'write/b.ts', text: `import type { C } from '../state/c';` },
      { path: 'state/c.ts', text: `export { a } from '../write/a';` },
    ];
    expect(cycleProblems(ring)).toEqual(['write/a -> write/b -> state/c -> write/a']);
  });
});

describe('a symbol is imported from the file that declares it', () => {
  test('in the library', () => {
    expect(barrelProblems(sources)).toEqual([]);
  });

  test.each([
    ['access/all.ts', `export { a } from './a';`, 'passes on'],
    ['index.ts', `export * from './domain/memory';`, 'export *'],
    ['access/index.ts', `export const a = 1;`, 'index files'],
  ])('a planted barrel in %s is reported', (path, text, problem) => {
    expect(barrelProblems([{ path, text }])).toEqual([expect.stringContaining(problem)]);
  });
});
