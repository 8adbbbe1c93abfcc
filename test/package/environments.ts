import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { found } from './found';
import { npm } from './npm';

const minute = 60_000;
const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', CI: '1' };

/** Runs the story of `environments/story.cjs` in test runners, in bundles and in other runtimes. */
export async function checkEnvironments(place: string): Promise<void> {
  checkRunners(place);
  checkBundle(place, 'esbuild');
  checkBundle(place, 'webpack');
  await checkNext(place);
  checkRuntimes(place);
  checkWithoutScripts(place);
}

function checkRunners(place: string): void {
  const jest = join('node_modules', 'jest', 'bin', 'jest.js');
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  // In one process, so that the second file meets the native parts that the first one has loaded.
  node(place, [jest, '--rootDir', 'jest', '--runInBand']);
  found('Jest with its defaults: CommonJS, two test files in one process');
  node(place, ['--experimental-vm-modules', jest, '--rootDir', 'jest-esm', '--runInBand']);
  found('Jest with ES modules');
  node(place, [vitest, 'run', '--root', 'vitest', '--no-isolate', '--maxWorkers', '1']);
  node(place, [vitest, 'run', '--root', 'vitest', '--pool', 'threads']);
  found('Vitest: processes and threads');
  for (const file of ['memory.spec.mjs', 'memory.spec.cjs']) node(place, ['--test', join('node-test', file)]);
  found('node:test: ES modules and CommonJS');
}

/** Bundles an application and runs it where only the packages that stay outside are found. */
function checkBundle(place: string, bundler: 'esbuild' | 'webpack'): void {
  const bundle = (name: string, ...outside: string[]) => {
    const folder = join(place, 'out', `${bundler}-${name}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{}');
    node(place, [join('bundle', 'build.cjs'), bundler, folder, outside.join()]);
    return folder;
  };
  const run = (folder: string) => JSON.parse(node(folder, ['app.cjs'])) as Record<string, string>;
  const setting = bundler === 'esbuild' ? 'external: ["multi-agent-memory"]' : 'externals in webpack';

  assert.deepEqual(run(bundle('outside', 'multi-agent-memory')), { text: 'Parcel 33 left.', degraded: [] });
  const inside = run(bundle('inside'));
  assert.equal(inside.code, 'SQLITE_UNAVAILABLE');
  assert.ok(inside.message?.includes('better_sqlite3.node') && inside.message.includes(setting), inside.message);

  // Where the bundle runs, the package itself is not installed. webpack keeps the path that it had where the bundle was made.
  const apart = bundle('native-outside', 'better-sqlite3', '@lancedb/lancedb');
  const installed = join(place, 'node_modules', 'multi-agent-memory');
  renameSync(installed, `${installed}-away`);
  try {
    const withoutModel = run(apart);
    assert.equal(withoutModel.code, 'EMBEDDER_MISSING', JSON.stringify(withoutModel));
    assert.ok(withoutModel.message?.includes('built-in-model.bin') && withoutModel.message.includes(setting));
  } finally {
    renameSync(`${installed}-away`, installed);
  }
  if (bundler === 'esbuild') {
    copyFileSync(join(installed, 'dist', 'built-in-model.bin'), join(apart, 'built-in-model.bin'));
    const withoutBuilder = run(apart);
    assert.equal(withoutBuilder.text, 'Parcel 33 left.');
    const [degraded = ''] = withoutBuilder.degraded ?? [];
    assert.ok(degraded.includes('index-builder') && degraded.includes(setting), degraded);
  }
  found(`${bundler}: works outside the bundle; inside, each missing part names its file and the setting`);
}

/** Builds an application with Next.js and Turbopack, starts it, and calls a route twice. */
async function checkNext(place: string): Promise<void> {
  const next = join(place, 'node_modules', 'next', 'dist', 'bin', 'next');
  const folder = join(place, 'next');
  node(folder, [next, 'build'], 5 * minute);
  const server = spawn(process.execPath, [next, 'start', '-p', '0'], { cwd: folder, env: environment });
  try {
    const url = await urlOf(server);
    const response = await fetch(`${url}/memory`);
    assert.deepEqual(await response.json(), { text: 'Parcel 33 left.', degraded: [] });
  } finally {
    const ended = once(server, 'exit');
    server.kill();
    await ended;
  }
  found('Next.js with Turbopack: `next build`, `next start` and a route');
}

async function urlOf({ stdout, stderr }: ChildProcess): Promise<string> {
  assert.ok(stdout !== null && stderr !== null);
  stderr.resume();
  const lines: string[] = [];
  for await (const line of createInterface(stdout)) {
    lines.push(line);
    const [url] = /http:\/\/localhost:[1-9]\d*/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`next start ended and printed:\n${lines.join('\n')}`);
}

/** Bun and Deno cannot load the native part of better-sqlite3: the error says so. */
function checkRuntimes(place: string): void {
  const script = join('runtime', 'open.mjs');
  const programs = { Bun: ['bun', 'run', script], Deno: ['deno', 'run', '--allow-all', script] };
  for (const [name, [command = '', ...argv]] of Object.entries(programs)) {
    const { code, message, isOurs } = JSON.parse(npm(place, ['exec', '--no', '--', command, ...argv]));
    assert.deepEqual([code, isOurs], ['SQLITE_UNAVAILABLE', true], message);
    assert.ok(message.includes(name) && message.includes('Node 20 or later'), message);
    found(`${name}: open rejects with SQLITE_UNAVAILABLE, which names Node`);
  }
}

/** `npm install --ignore-scripts` leaves better-sqlite3 without its native part. */
function checkWithoutScripts(place: string): void {
  const build = join(place, 'node_modules', 'better-sqlite3', 'build');
  renameSync(build, `${build}-away`);
  try {
    const { code, message } = JSON.parse(node(place, [join('runtime', 'open.mjs')]));
    assert.equal(code, 'SQLITE_UNAVAILABLE');
    assert.ok(message.includes('npm rebuild better-sqlite3'), message);
  } finally {
    rmSync(build, { recursive: true, force: true });
    renameSync(`${build}-away`, build);
  }
  assert.equal(JSON.parse(node(place, [join('runtime', 'open.mjs')])).code, 'opened');
  found('without the native part of better-sqlite3, open names the command that builds it');
}

/** Runs a program with Node and returns its standard output. Throws with all its output if it fails. */
function node(cwd: string, argv: readonly string[], timeout = 2 * minute): string {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd,
    encoding: 'utf8',
    timeout,
    env: environment,
    maxBuffer: 64 * 2 ** 20,
  });
  assert.ok(status === 0, `\`node ${argv.join(' ')}\` ended with ${status ?? signal} and printed:\n${stdout}${stderr}`);
  return stdout;
}
