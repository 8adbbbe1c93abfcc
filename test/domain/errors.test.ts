import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { type Issue, invalidInput, MemoryError } from '../../src/domain/errors';

/** The module as another build of the library loads it, in a realm with its own `Error`. */
function otherBuild(): typeof import('../../src/domain/errors') {
  const source = readFileSync(new URL('../../src/domain/errors.ts', import.meta.url), 'utf8');
  const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
  const module = { exports: {} };
  runInNewContext(outputText, { module, exports: module.exports });
  return module.exports as typeof import('../../src/domain/errors');
}

describe('MemoryError.is', () => {
  test('accepts an error of this build', () => {
    expect(MemoryError.is(new MemoryError('NOT_FOUND', 'No memory m-1.'))).toBe(true);
  });

  test('accepts an error from another build or another realm, although `instanceof` rejects it', () => {
    const stranger: unknown = new (otherBuild().MemoryError)('NOT_FOUND', 'No memory m-1.');
    expect(stranger).not.toBeInstanceOf(MemoryError);
    expect(stranger).not.toBeInstanceOf(Error);
    expect(MemoryError.is(stranger)).toBe(true);
    expect(otherBuild().MemoryError.is(new MemoryError('NOT_FOUND', 'No memory m-1.'))).toBe(true);
  });

  test('accepts an error of a subclass', () => {
    class Mine extends MemoryError {}
    expect(MemoryError.is(new Mine('NOT_FOUND', 'No memory m-1.'))).toBe(true);
  });

  test('rejects objects that only have the same fields, and all other values', () => {
    const lookAlike = Object.assign(new Error('x'), {
      name: 'MemoryError',
      code: 'NOT_FOUND',
      retryable: false,
      issues: [],
    });
    expect(MemoryError.is(lookAlike)).toBe(false);
    fc.assert(fc.property(fc.anything(), (value) => !MemoryError.is(value)));
  });
});

describe('a MemoryError', () => {
  test('is an Error with its name, its message and its cause', () => {
    const cause = new Error('disk');
    const error = new MemoryError('DISK_FULL', 'No room.', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'MemoryError', message: 'No room.', cause, issues: [] });
    expect(String(error)).toBe('MemoryError: No room.');
  });

  test('has no property `cause` if no cause was given', () => {
    expect('cause' in new MemoryError('NOT_FOUND', 'x')).toBe(false);
  });

  test('is retryable by default only for codes whose cause can be temporary', () => {
    for (const code of ['OVERLOADED', 'DISK_FULL', 'OUTCOME_UNKNOWN'] as const)
      expect(new MemoryError(code, 'x').retryable).toBe(true);
    for (const code of ['INVALID_INPUT', 'FORBIDDEN', 'STORE_CLOSED'] as const)
      expect(new MemoryError(code, 'x').retryable).toBe(false);
    expect(new MemoryError('EMBEDDING_FAILED', 'x', { retryable: true }).retryable).toBe(true);
  });

  test('has no other enumerable fields', () => {
    expect(Object.keys(new MemoryError('NOT_FOUND', 'x')).sort()).toEqual(['code', 'issues', 'name', 'retryable']);
  });
});

describe('invalid input', () => {
  test('leads to one error with every issue in order', () => {
    const issue: fc.Arbitrary<Issue> = fc.record({
      path: fc.array(fc.oneof(fc.nat(9), fc.constantFrom('metadata', 'tags')), { maxLength: 3 }),
      message: fc.constantFrom('expected a string, got 5.', 'expected a non-empty string, got an empty string.'),
    });
    fc.assert(
      fc.property(fc.array(issue, { minLength: 1 }), (issues) => {
        const error = invalidInput(issues);
        expect(error).toMatchObject({ code: 'INVALID_INPUT', retryable: false, issues });
        for (const { message } of issues) expect(error.message).toContain(message);
      }),
    );
  });

  test('is located in the error with a path as in code, or with the name of the subject if there is no path', () => {
    const issues = [
      { path: ['items', 3, 'tags', 0], message: 'expected a string, got 5.' },
      { path: [], message: 'expected at most 2 items, got 3.' },
    ];
    expect(invalidInput(issues, 'batch').message).toBe(
      'Invalid items[3].tags[0]: expected a string, got 5. Invalid batch: expected at most 2 items, got 3.',
    );
  });
});
