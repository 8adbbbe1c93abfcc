import { expect, expectTypeOf, test } from 'vitest';
import { defined } from '../../src/domain/defined';

test('`defined` drops keys whose value is undefined and keeps every other key', () => {
  const fields = { a: 1, b: undefined, c: null, d: 0, e: '', f: false };
  expect(Object.keys(defined(fields))).toEqual(['a', 'c', 'd', 'e', 'f']);
  expect(defined(fields)).toEqual({ a: 1, c: null, d: 0, e: '', f: false });
});

test('`defined` has a type in which keys are optional if their value may be undefined', () => {
  const userId = undefined as string | undefined;
  expectTypeOf(defined({ id: 'm-1', userId })).toEqualTypeOf<{ id: string } & { userId?: string }>();
});
