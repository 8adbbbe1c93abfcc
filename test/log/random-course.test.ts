import { test } from 'vitest';
import { RandomCourse } from './random-course';
import { numbers } from './recorded-state';

// More of them: npm run test:slow.
test.each(numbers(4, 1))('A cluster to which everything happens agrees, with the seed %i', async (seed) => {
  await new RandomCourse(seed).run();
});
