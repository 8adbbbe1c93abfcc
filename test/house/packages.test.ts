import { describe, expect, test } from 'vitest';
import { heavyProblems, packageProblems, packagesOfUsers } from './packages';
import { librarySources } from './sources';

const sources = librarySources();
const planted = (text: string) => [{ path: 'write/write.ts', text }];

describe('the library uses only packages that are installed with it', () => {
  test('in the library', () => {
    expect(packageProblems(sources, packagesOfUsers())).toEqual([]);
  });

  test.each([
    `import fc from 'fast-check';`,
    `const fc = await import('fast-check');`,
    `import type { Options } from 'tsup/options';`,
    `import { test } from '@scope/name/below';`,
  ])('a planted import is reported: %s', (text) => {
    expect(packageProblems(planted(text), packagesOfUsers())).toEqual([expect.stringContaining('is no dependency')]);
  });

  test('only integrations may import a framework', () => {
    const text = `import type { BaseStore } from '@langchain/langgraph-checkpoint';`;
    expect(packageProblems([{ path: 'integrations/langgraph/x.ts', text }], packagesOfUsers())).toEqual([]);
    expect(packageProblems(planted(text), packagesOfUsers())).toEqual([expect.stringContaining('is no dependency')]);
  });

  test('dependencies and modules of Node are not reported', () => {
    const text = `import 'node:fs'; import 'better-sqlite3'; import '@lancedb/lancedb/embedding'; import './stamp';`;
    expect(packageProblems(planted(text), packagesOfUsers())).toEqual([]);
  });
});

describe('heavy libraries load on first use', () => {
  test('in the library', () => {
    expect(heavyProblems(sources)).toEqual([]);
  });

  test.each([
    `import { connect } from '@lancedb/lancedb';`,
    `import * as arrow from 'apache-arrow';`,
    `import { type Table, connect } from '@lancedb/lancedb';`,
  ])('a planted import is reported: %s', (text) => {
    expect(heavyProblems(planted(text))).toEqual([expect.stringContaining('on first use')]);
  });

  test.each([
    `const { connect } = await import('@lancedb/lancedb');`,
    `const arrow = createRequire(import.meta.url)('apache-arrow');`,
    `import type { Table } from 'apache-arrow';`,
  ])('this use of a heavy library is not reported: %s', (text) => {
    expect(heavyProblems(planted(text))).toEqual([]);
  });
});
