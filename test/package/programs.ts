import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { found } from './found';
import { npm } from './npm';

// `require` of ES modules came with Node 20.19. Without it, a newer Node behaves as every Node 20 before did.
const likeOlderNode = 'require_module' in process.features ? ['--no-experimental-require-module'] : [];

/** Runs the programs of the consumer. Each must end by itself with code 0 and print nothing. */
export function checkPrograms(consumer: string): void {
  const what = 'the life of a memory, a conformance suite, an error for what is not installed';
  run(consumer, ['esm.mjs'], `import: ${what}`);
  run(consumer, ['cjs.cjs'], `require: ${what}`);
  for (const folder of [consumer, join(consumer, 'in-cjs')]) checkShell(folder);
  run(consumer, [...likeOlderNode, 'cjs.cjs'], `require, on a Node that cannot require ES modules: ${what}`);
  run(consumer, ['copies.mjs'], 'both builds share a folder in one process; a worker thread connects to it');
  checkIndex(consumer);
}

function run(consumer: string, argv: readonly string[], what: string): void {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: consumer,
    encoding: 'utf8',
    timeout: 60_000,
  });
  const ended = `\`node ${argv.join(' ')}\` ended with ${status ?? signal}`;
  assert.ok(status === 0 && stdout + stderr === '', `${ended} and printed:\n${stdout}${stderr}`);
  found(what);
}

/** Builds an index in a child process, in a folder whose name has characters that URLs encode, and then does without LanceDB. */
function checkIndex(consumer: string): void {
  const moved = join(dirname(consumer), 'consumer #1 %20');
  renameSync(consumer, moved);
  for (const format of ['import', 'require']) run(moved, ['large.mjs', format], `${format}: a store with an index`);
  const lance = join(moved, 'node_modules', '@lancedb');
  for (const name of readdirSync(lance)) if (name !== 'lancedb') rmSync(join(lance, name), { recursive: true });
  run(moved, ['large.mjs', 'import', 'without LanceDB'], 'a large store without the native part of LanceDB');
  renameSync(moved, consumer);
}

/** Uses a store from a shell, with the command line of the package, in a folder of ES modules or of CommonJS. */
function checkShell(folder: string): void {
  mkdirSync(folder, { recursive: true });
  if (basename(folder) === 'in-cjs') writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}');
  const shell = (line: string, input = '') =>
    npm(folder, ['exec', '--no', '--', 'multi-agent-memory', ...line.split(' ')], input);
  assert.match(shell('--version'), /^\d+\.\d+\.\d+\n$/);
  const memory = JSON.stringify({ text: 'The refund goes to the card.', namespace: ['support'] });
  assert.equal(JSON.parse(shell('import ./shell', memory)).stored, 1);
  assert.match(shell('recall ./shell refund'), /goes to the card/);
  assert.match(shell('export ./shell'), /goes to the card/);
  assert.equal(JSON.parse(shell('forget ./shell --namespace=support --yes')).forgotten, 1);
  found(`npx multi-agent-memory, from ${basename(folder)}: import, recall, export, forget`);
}
