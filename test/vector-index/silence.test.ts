import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('building and searching an index prints nothing and leaves the environment unchanged', async () => {
  const program = fileURLToPath(new URL('silent-program.ts', import.meta.url));
  const { LANCEDB_LOG: _, ...env } = process.env;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], { env });
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
});
