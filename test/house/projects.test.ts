import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesOfProjects, testFiles } from './projects';
import { repository } from './sources';

const projects = filesOfProjects();

test('every test file runs in exactly one of npm test and npm run test:slow', () => {
  expect([...projects.keys()].sort()).toEqual(['daily', 'isolated', 'slow']);
  expect([...projects.values()].flat().sort()).toEqual(testFiles());
});

test.each(['slow', 'isolated'])('a test file is in the project %s if its name says so', (project) => {
  const isNamed = (path: string) => path.endsWith(`.${project}.test.ts`);
  expect(projects.get(project)?.length).toBeGreaterThan(0);
  expect(projects.get(project)?.filter((path) => !isNamed(path))).toEqual([]);
  expect(projects.get('daily')?.filter(isNamed)).toEqual([]);
});

test('the two commands run all projects, and .ci/run runs both', () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts.test).toMatch(/ --project daily --project isolated$/);
  expect(scripts['test:slow']).toMatch(/ --project slow$/);
  const run = readFileSync(join(repository, '.ci/run'), 'utf8');
  for (const command of ['npm test', 'npm run test:slow']) expect(run).toMatch(new RegExp(` ${command}$`, 'm'));
});
