import { describe, expect, test } from 'vitest';
import { lengthProblems, longest, nameProblems, usual } from './shape';
import { librarySources } from './sources';

const sources = librarySources();
const fileOf = (lines: number, path = 'write/write.ts') => ({ path, text: 'x;\n'.repeat(lines) });

describe('files are short', () => {
  test('in the library', () => {
    expect(lengthProblems(sources)).toEqual([]);
  });

  test('one line too many is reported', () => {
    const others = Array.from({ length: 9 }, () => fileOf(10));
    expect(lengthProblems([...others, fileOf(longest)])).toEqual([]);
    expect(lengthProblems([...others, fileOf(longest + 1)])).toEqual(['src/write/write.ts: 301 lines, over 300']);
  });

  test('too many long ones are reported', () => {
    const short = Array.from({ length: 17 }, () => fileOf(usual - 1));
    expect(lengthProblems([...short, fileOf(usual), fileOf(usual), fileOf(usual)])).toEqual([]);
    expect(lengthProblems([fileOf(usual), fileOf(10)])).toEqual([
      expect.stringContaining('1 of 2 files have 150 lines'),
    ]);
  });

  test('what a program wrote does not count', () => {
    expect(lengthProblems([fileOf(10), fileOf(5000, 'vector-index/kernel/wasm.generated.ts')])).toEqual([]);
  });
});

describe('names say what a thing is', () => {
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
  ])('a planted %s is reported', (path) => {
    expect(nameProblems([{ path, text: '' }])).toHaveLength(1);
  });
});
