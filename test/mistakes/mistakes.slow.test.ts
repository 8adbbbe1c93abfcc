import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../faults/random';
import { BrokenLibraries } from './broken-library';
import { mistakes } from './mistakes';
import { plant } from './plant';

// All of them take minutes: `tsx test/mistakes/run.ts`.
const seed = 1;
const planted = new Random(seed).sample(mistakes, 4);

describe('the test suites', () => {
  let libraries: BrokenLibraries;
  beforeAll(() => {
    libraries = new BrokenLibraries();
  });
  afterAll(() => libraries.remove());

  test('find no problem in the library without a mistake', async () => {
    expect(await plant(libraries, { name: 'none', edits: [] }, { seed, first: false })).toEqual([]);
  });

  test.each(planted)('$name', async (mistake) => {
    expect(await plant(libraries, mistake, { seed, first: true })).not.toEqual([]);
  });
});
