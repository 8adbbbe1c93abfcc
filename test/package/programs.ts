import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { found } from './found';

// `require` of ES modules came with Node 20.19. Without it, a newer Node behaves as every Node 20 before did.
const likeOlderNode = 'require_module' in process.features ? ['--no-experimental-require-module'] : [];

/** Runs the consumer's programs: each ends by itself, well, and without a word. */
export function checkPrograms(consumer: string): void {
  run(consumer, ['esm.mjs'], 'import');
  run(consumer, ['cjs.cjs'], 'require');
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
