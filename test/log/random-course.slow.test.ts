import { test } from 'vitest';
import { RandomCourse } from './random-course';
import { numbers } from './recorded-state';

test('Clusters to which everything happens agree, with 60 more seeds', async () => {
  for (const seed of numbers(60, 1_000)) await new RandomCourse(seed).run();
});
