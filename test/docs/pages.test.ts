import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pages } from '../house/examples';
import { repository } from '../house/sources';
import { examplesOf } from './pages';
import { runExample } from './run-example';

test('the first program of the README is examples/quick-start.mjs and prints what another agent stored', async () => {
  const [first] = examplesOf('README.md');
  const program = readFileSync(join(repository, 'examples/quick-start.mjs'), 'utf8');
  expect(first?.code).toBe(program);
  expect(program.trim().split('\n').length).toBeLessThanOrEqual(15);
  const { output } = await runExample(first!);
  expect(output).toMatch(/^0\.\d\d billing Customer 4417 wants the refund on the card ending 0921\.\n$/);
});

describe('pages', () => {
  test('the README has at most 150 lines', () => {
    expect(readFileSync(join(repository, 'README.md'), 'utf8').split('\n').length).toBeLessThanOrEqual(150);
  });

  test.each(pages())('every relative link of %s leads to a file', (page) => {
    const text = readFileSync(join(repository, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)].map((match) => match[1] as string);
    const missing = links.filter((link) => !exists(join(repository, page, '..', link)));
    expect(missing).toEqual([]);
  });
});

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR';
  }
}
