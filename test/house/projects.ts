import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repository } from './sources';

/** The test files of each project, as vitest itself finds them. Paths are relative to the repository, with slashes. */
export function filesOfProjects(): ReadonlyMap<string, readonly string[]> {
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
  const argv = [vitest, 'list', '--config', 'test/vitest.config.ts', '--filesOnly', '--json'];
  const listed = execFileSync(process.execPath, argv, { cwd: repository, encoding: 'utf8', maxBuffer: 2 ** 24 });
  const projects = new Map<string, string[]>();
  for (const { file, projectName } of JSON.parse(listed) as { file: string; projectName: string }[]) {
    const files = projects.get(projectName) ?? [];
    files.push(relative(repository, file).replaceAll('\\', '/'));
    projects.set(projectName, files);
  }
  return projects;
}

/** Every test file below `test/`, as its name says it: `*.test.ts`, and whatever else holds a test of vitest. */
export function testFiles(): readonly string[] {
  return (
    readdirSync(join(repository, 'test'), { recursive: true, encoding: 'utf8' })
      .map((path) => `test/${path.replaceAll('\\', '/')}`)
      .filter((path) => /[.-](test|spec)\.[cm]?[jt]sx?$/.test(path))
      // Jest, Vitest and `node:test` run these in `npm run test:package`.
      .filter((path) => !path.startsWith('test/package/environments/'))
      .sort()
  );
}
