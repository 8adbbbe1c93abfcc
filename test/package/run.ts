/**
 * Packs the library as it would be published, installs it into an empty folder as a user does, and uses it there.
 * Needs `npm run build` before it. Prints one line for each thing that it finds to be so, and ends with 1 at the first that is not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkContents, pack } from './contents';
import { install } from './install';
import { checkPrograms } from './programs';
import { checkTypes } from './types';

const folder = mkdtempSync(join(tmpdir(), 'multi-agent-memory-'));
try {
  const tarball = pack(folder);
  checkContents(tarball);
  const consumer = install(folder, tarball.path);
  checkPrograms(consumer);
  checkTypes(consumer);
} catch (error) {
  console.error(`  NOT ok  ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
