import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'without-lance-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Runs a program that prints one line of JSON. */
async function run(program: string, options = ''): Promise<unknown> {
  const env = { ...process.env, NODE_OPTIONS: options };
  const argv = ['--import', 'tsx', fileOf(program), join(folder, 'store')];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, argv, { env });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

test('a store small enough for exact search never loads LanceDB or Arrow', async () => {
  expect(await run('small-store-program.ts')).toEqual({ hits: 3, loaded: [] });
});

const { dependencies } = JSON.parse(readFileSync(fileOf('../../package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
const command = `npm install --include=optional @lancedb/lancedb@${dependencies['@lancedb/lancedb']}`;

test.each([
  ['LanceDB is not installed', `/^@lancedb\\/lancedb$/`, `throw new Error('Cannot find module ' + request)`],
  [
    'its native part is not installed',
    `/^@lancedb\\/lancedb-|\\.node$/`,
    `throw new Error('Cannot find module ' + request)`,
  ],
  [
    'its native part cannot be loaded',
    `/^@lancedb\\/lancedb-|lancedb.*\\.node$/`,
    `throw new Error('libc.so.6: version not found')`,
  ],
])('a large store searches exactly and reports it once if %s', async (_, pattern, fails) => {
  const hook = join(folder, 'hook.cjs');
  await writeFile(
    hook,
    `const Module = require('node:module');
    const load = Module._load;
    Module._load = function (request, parent, isMain) {
      if (${pattern}.test(request) && !/better_sqlite3/.test(request)) { ${fails}; }
      return load.call(this, request, parent, isMain);
    };`,
  );
  const found = await run('large-store-program.ts', `--require=${pathToFileURL(hook).pathname}`);
  expect(found).toEqual({
    isRight: true,
    degraded: [{ part: 'index', code: 'INDEX_UNAVAILABLE', message: expect.stringContaining(command) }],
    problems: [],
  });
});

test('a large store uses its index if LanceDB can be loaded', async () => {
  expect(await run('large-store-program.ts')).toEqual({ isRight: true, degraded: [], problems: [] });
});
