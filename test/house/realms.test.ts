import { describe, expect, test } from 'vitest';
import { realmProblems } from './realms';
import { librarySources } from './sources';

describe('no code uses instanceof with a class of the platform', () => {
  test('in the library', () => {
    expect(realmProblems(librarySources())).toEqual([]);
  });

  test.each(['Error', 'RangeError', 'Date', 'Float32Array', 'AbortSignal', 'Map', 'URL', 'BetterSqlite.SqliteError'])(
    'reports a planted instanceof %s',
    (name) => {
      const text = `export const is = (value: unknown) => value instanceof ${name};`;
      expect(realmProblems([{ path: 'write/check.ts', text }])).toHaveLength(1);
      expect(realmProblems([{ path: 'domain/realms.ts', text }])).toEqual([]);
    },
  );

  test('accepts classes of the library', () => {
    const text = 'export const is = (value: unknown) => value instanceof PendingVector;';
    expect(realmProblems([{ path: 'write/check.ts', text }])).toEqual([]);
  });
});
