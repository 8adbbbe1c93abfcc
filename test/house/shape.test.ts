import { describe, expect, test } from 'vitest';
import { functionLengthProblems, maxFunctionLines, nameProblems } from './shape';
import { librarySources } from './sources';

const sources = librarySources();
const functionOf = (lines: number, path = 'write/write.ts', comment = '') => ({
  path,
  text: `${comment}export function f() {\n${'  x;\n'.repeat(lines - 2)}}\n`,
});

describe('a function fits a screen', () => {
  test('in the library', () => {
    expect(functionLengthProblems(sources)).toEqual([]);
  });

  test('reports a function that is one line too long', () => {
    expect(functionLengthProblems([functionOf(maxFunctionLines)])).toEqual([]);
    expect(functionLengthProblems([functionOf(maxFunctionLines + 1)])).toEqual([
      expect.stringContaining('src/write/write.ts:1: a function of 71 lines'),
    ]);
  });

  test('reports a long method and a long arrow function', () => {
    const body = '    x;\n'.repeat(80);
    const text = `class A {\n  m() {\n${body}  }\n}\nconst f = () => {\n${body}};\n`;
    expect(functionLengthProblems([{ path: 'write/a.ts', text }])).toHaveLength(2);
  });

  test('accepts a long function whose comment says why', () => {
    expect(functionLengthProblems([functionOf(100, 'a.ts', '// Long: one case for each command.\n')])).toEqual([]);
    expect(functionLengthProblems([functionOf(100, 'a.ts', '// It is what it is.\n')])).toHaveLength(1);
  });

  test('ignores generated files', () => {
    expect(functionLengthProblems([functionOf(5000, 'vector-index/kernel/wasm.generated.ts')])).toEqual([]);
  });
});

describe('file names describe the subject of the file', () => {
  test('in the library', () => {
    expect(nameProblems(sources)).toEqual([]);
  });

  test.each([
    'write/utils.ts',
    'helpers/write.ts',
    'write/date-utils.ts',
    'state/session-manager.ts',
    'common/x.ts',
    'misc.ts',
  ])('reports %s', (path) => {
    expect(nameProblems([{ path, text: '' }])).toHaveLength(1);
  });
});
