import { expect, test } from 'vitest';
import { type Finders, loadFinders, type StorageMistake, storageMistakes } from './mistakes';

const maxLives = 60;
const maxNodes = 8;

async function foundIn({ runCuts, findDamage }: Finders, foundBy: StorageMistake['foundBy']): Promise<unknown> {
  try {
    if (foundBy === 'cuts') for (let seed = 1; seed <= maxLives; seed++) await runCuts(seed, 15);
    else for (let seed = 1; seed <= maxNodes; seed++) await findDamage(seed, 300);
  } catch (error) {
    return error;
  }
  return undefined;
}

test.each(storageMistakes)('a planted mistake is found: $name', async ({ edits, foundBy }) => {
  const found = await foundIn(await loadFinders(edits), foundBy);
  expect(found).toBeInstanceOf(Error);
  // A program that does not even run is noticed by anybody.
  expect(['TypeError', 'ReferenceError']).not.toContain((found as Error).name);
});

test.each(['cuts', 'damage'] as const)('nothing is found by %s without a mistake', async (foundBy) => {
  expect(await foundIn(await loadFinders([]), foundBy)).toBeUndefined();
});
