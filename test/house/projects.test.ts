import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesOfProjects, testFiles } from './projects';
import { repository } from './sources';

const projects = filesOfProjects();

test('every test file runs in exactly one of npm test and npm run test:slow', () => {
  expect([...projects.keys()].sort()).toEqual(['daily', 'slow']);
  expect([...projects.values()].flat().sort()).toEqual(testFiles());
});

test('a test file is slow if its name ends with .slow.test.ts', () => {
  const isSlow = (path: string) => path.endsWith('.slow.test.ts');
  expect(projects.get('slow')?.filter((path) => !isSlow(path))).toEqual([]);
  expect(projects.get('daily')?.filter(isSlow)).toEqual([]);
});

test('the two commands run the two projects, and .ci/run runs both', () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts.test).toMatch(/ --project daily$/);
  expect(scripts['test:slow']).toMatch(/ --project slow$/);
  const run = readFileSync(join(repository, '.ci/run'), 'utf8');
  for (const command of ['npm test', 'npm run test:slow']) expect(run).toMatch(new RegExp(` ${command}$`, 'm'));
});
