import { describe, expect, test } from 'vitest';
import { edited } from './broken-library';
import { mistakes } from './mistakes';

describe('the planted mistakes', () => {
  test('have fragments that occur in the source exactly once', () => {
    for (const { edits } of mistakes) {
      for (const { file } of edits)
        edited(
          file,
          edits.filter((each) => each.file === file),
        );
    }
  });

  test('have unique names', () => {
    expect(new Set(mistakes.map(({ name }) => name)).size).toBe(mistakes.length);
  });

  test('throw an error if a fragment does not occur', () => {
    const edit = { file: 'index.ts', from: 'no such fragment', to: '' };
    expect(() => edited('index.ts', [edit])).toThrow('holds 0 times');
  });
});
