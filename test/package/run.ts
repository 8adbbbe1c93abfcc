/**
 * Packs the library as it would be published, checks its contents and its size, installs it into an empty folder as a user does,
 * and uses it there: by itself, and in test runners, bundles and other runtimes. With the path of a tarball as argument it takes that one. Prints one line for each check that passes, and ends
 * with 1 at the first that fails.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { checkBudget, checkContents, pack, readTarball } from './contents';
import { checkEnvironments } from './environments';
import { install } from './install';
import { checkPrograms } from './programs';
import { installTools } from './tools';
import { checkTypes } from './types';

const folder = mkdtempSync(join(tmpdir(), 'multi-agent-memory-'));
try {
  const given = process.argv[2];
  const tarball = readTarball(given === undefined ? pack(folder) : resolve(given), folder);
  checkContents(tarball);
  await checkBudget(tarball, folder);
  const consumer = install(folder, tarball.path);
  await checkEnvironments(installTools(folder, consumer));
  checkPrograms(consumer);
  checkTypes(consumer);
} catch (error) {
  console.error(`  NOT ok  ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
