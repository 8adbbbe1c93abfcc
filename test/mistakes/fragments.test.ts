import { describe, expect, test } from 'vitest';
import { edited } from './broken-library';
import { mistakes } from './mistakes';

describe('the mistakes are made where they say', () => {
  test('every fragment stands in the source once', () => {
    for (const { edits } of mistakes) {
      for (const { file } of edits)
        edited(
          file,
          edits.filter((each) => each.file === file),
        );
    }
  });

  test('each has a name of its own', () => {
    expect(new Set(mistakes.map(({ name }) => name)).size).toBe(mistakes.length);
  });

  test('a fragment that is not there is an error', () => {
    const edit = { file: 'index.ts', from: 'no such fragment', to: '' };
    expect(() => edited('index.ts', [edit])).toThrow('holds 0 times');
  });
});
