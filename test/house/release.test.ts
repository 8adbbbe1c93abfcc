import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { repository } from './sources';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function check(tag: string, version: string, changelog: string): { status: number | null; said: string } {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ version }));
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
  const program = join(repository, '.ci/check-release.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, tag], { cwd: folder, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

const changelog =
  '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n\n### Fixed\n\n- A bug.\n\n## [1.2.2] - 2026-01-01\n';

describe('a release', () => {
  test('is accepted when the tag, package.json and the changelog agree', () => {
    expect(check('v1.2.3', '1.2.3', changelog)).toEqual({
      status: 0,
      said: 'v1.2.3 fits package.json and CHANGELOG.md.\n',
    });
  });

  test.each([
    ['another tag', 'v1.2.4', '1.2.3', 'The tag is v1.2.4, but package.json says 1.2.3: expected v1.2.3.\n'],
    ['no tag', '', '1.2.3', 'The tag is missing, but package.json says 1.2.3: expected v1.2.3.\n'],
    ['a tag without v', '1.2.3', '1.2.3', 'The tag is 1.2.3, but package.json says 1.2.3: expected v1.2.3.\n'],
    [
      'no section',
      'v1.3.0',
      '1.3.0',
      'CHANGELOG.md has no section "## [1.3.0] - YYYY-MM-DD". Rename "Unreleased" and add the date.\n',
    ],
    ['a section without entries', 'v1.2.2', '1.2.2', 'The section of 1.2.2 in CHANGELOG.md has no entries.\n'],
  ])('is refused with %s', (_, tag, version, said) => {
    expect(check(tag, version, changelog)).toEqual({ status: 1, said });
  });
});

test('the changelog has an "Unreleased" section for the next change', () => {
  expect(readFileSync(join(repository, 'CHANGELOG.md'), 'utf8')).toMatch(/^## \[Unreleased\]$/m);
});
