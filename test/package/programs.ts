import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { found } from './found';
import { npm } from './npm';

// `require` of ES modules came with Node 20.19. Without it, a newer Node behaves as every Node 20 before did.
const likeOlderNode = 'require_module' in process.features ? ['--no-experimental-require-module'] : [];

/** Runs the consumer's programs: each ends by itself, well, and without a word. */
export function checkPrograms(consumer: string): void {
  run(consumer, ['esm.mjs'], 'import');
  run(consumer, ['cjs.cjs'], 'require');
  for (const folder of [consumer, join(consumer, 'in-cjs')]) checkShell(folder);
  run(consumer, [...likeOlderNode, 'cjs.cjs'], 'require, on a Node that cannot require ES modules');
}

function run(consumer: string, argv: readonly string[], what: string): void {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: consumer,
    encoding: 'utf8',
    timeout: 60_000,
  });
  const ended = `\`node ${argv.join(' ')}\` ended with ${status ?? signal}`;
  assert.ok(status === 0 && stdout + stderr === '', `${ended} and printed:\n${stdout}${stderr}`);
  found(`${what}: the life of a memory, a conformance suite, an error for what is not installed`);
}

/** A short life of a store in a shell, through the program that the package brings; in a folder of CommonJS, too. */
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
