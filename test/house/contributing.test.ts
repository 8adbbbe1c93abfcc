import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { protocol } from '../../src/connect/protocol';
import { schemaVersion } from '../../src/state/tables/migrations';
import { ports } from './directions';
import { repository } from './sources';

const read = (path: string) => readFileSync(join(repository, path), 'utf8');
const contributing = read('CONTRIBUTING.md');
const inlineCode = [...contributing.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');

test('every file and folder that CONTRIBUTING.md names is in the repository', () => {
  // The API reference is built; names in <> stand for any name.
  const paths = inlineCode.filter(
    (code) => /^(src|test|docs|bench|\.ci)\/[\w./-]*$/.test(code) && code !== 'docs/api/',
  );
  expect(paths.length).toBeGreaterThan(20);
  expect(
    paths.filter((path) => !existsSync(join(repository, path)) && !existsSync(join(repository, `${path}.ts`))),
  ).toEqual([]);
});

test('every command that CONTRIBUTING.md names is a script of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...contributing.matchAll(/\bnpm (?:run )?((?!run\b|ci\b)[a-z][\w:]*)/g)].map(
    (match) => match[1] ?? '',
  );
  const short = inlineCode.filter((code) => /^test:\w+$/.test(code));
  expect(named).toContain('test:slow');
  expect([...named, ...short].filter((name) => !(name in scripts))).toEqual([]);
});

test('CONTRIBUTING.md lists every port with the file that declares it', () => {
  for (const [port, path] of Object.entries(ports))
    expect(contributing).toContain(`| \`${port}\` | \`src/${path}.ts\` |`);
});

test('CHANGELOG.md names the schema version and the wire protocol of the next release', () => {
  // A failure means: add a line about the change under "Unreleased", then change the number in the table.
  const [, schema, , wire] = /^\| next \| (\d+) \| (\d+) \| (\d+) \|$/m.exec(read('CHANGELOG.md')) ?? [];
  expect([Number(schema), Number(wire)]).toEqual([schemaVersion, protocol]);
});
