import { expect, test } from 'vitest';
import { runExample } from './run-example';

test('the demo of a cluster loses nothing, although the process that leads is killed', async () => {
  const { code, stdout, stderr } = await runExample('cluster.ts');
  expect(stderr).toBe('');
  expect(stdout).toMatch(/process is killed/);
  expect(stdout.match(/: 0 of \d+ acknowledged ones are lost, 0 are there twice/g)).toHaveLength(3);
  expect(stdout).toContain('Nothing was lost, and nothing was stored twice.');
  expect(code).toBe(0);
});
