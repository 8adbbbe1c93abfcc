import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withScratchFolder, withUsualFolder } from '../../src/vector-index/scratch-folder';
import { temporaryFolder } from '../store/stores';

test('whoever needs the usual folder for temporary files never finds that of an index, which may be gone', async () => {
  const usual = process.env.TMPDIR;
  const scratch = join(await temporaryFolder(), 'scratch');
  const seen: (string | undefined)[] = [];
  const built = withScratchFolder(scratch, async () => {
    seen.push(process.env.TMPDIR);
    await new Promise((resolve) => setImmediate(resolve));
    await writeFile(join(scratch, 'copy'), '');
    await rm(scratch, { recursive: true });
  });
  while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await withUsualFolder(async () => void seen.push(process.env.TMPDIR));
  await built;
  expect(seen).toEqual([scratch, usual]);
});
