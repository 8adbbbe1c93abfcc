import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('nothing is printed when an index is built and searched, and no variable is left in the environment', async () => {
  const program = fileURLToPath(new URL('silent-program.ts', import.meta.url));
  const { LANCEDB_LOG: _, ...env } = process.env;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], { env });
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
});
