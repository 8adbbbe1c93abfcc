import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publicProgram, undocumentedExports } from './documentation';
import { compile } from './program';
import { repository } from './sources';

test('everything that a user can import has a doc comment', () => {
  const { program, entries } = publicProgram();
  expect(entries.flatMap((path) => undocumentedExports(program, path))).toEqual([]);
});

test('a planted export without a doc comment is reported, under the name with which it was declared', () => {
  const files = new Map([
    [join(repository, 'planted.ts'), `export { a, type B as C } from './declared';\n/** Here. */ export const d = 1;`],
    [join(repository, 'declared.ts'), '/** Says something. */ export const a = 1;\nexport interface B {}'],
  ]);
  const planted = join(repository, 'planted.ts');
  expect(undocumentedExports(compile(files), planted)).toEqual(['B']);
});
