import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../faults/random';
import { BrokenLibraries, edited } from './broken-library';
import { mistakes } from './mistakes';
import { plant } from './plant';

// All of them take minutes: `tsx test/mistakes/run.ts`.
const seed = 1;
const planted = new Random(seed).sample(mistakes, 8);

describe('a mistake in the library is noticed', () => {
  let libraries: BrokenLibraries;
  beforeAll(() => {
    libraries = new BrokenLibraries();
  });
  afterAll(() => libraries.remove());

  test('nobody complains about the library as it is', async () => {
    expect(await plant(libraries, { name: 'none', edits: [] }, { seed, first: false })).toEqual([]);
  }, 120_000);

  test.each(planted)(
    '$name',
    async (mistake) => {
      expect(await plant(libraries, mistake, { seed, first: true })).not.toEqual([]);
    },
    120_000,
  );
});

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
