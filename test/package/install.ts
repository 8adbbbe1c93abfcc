import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../house/sources';
import { found } from './found';
import { npm } from './npm';
import { ourVersion } from './tools';

/**
 * Installs the tarball into an empty folder, with TypeScript and without our `overrides`, as a user does. Copies the programs of
 * `consumer/` there. Checks that the peer dependencies, which are optional, are not installed with it.
 */
export function install(folder: string, tarball: string): string {
  const consumer = join(folder, 'consumer');
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const packages = [tarball, ...['typescript', '@types/node'].map((name) => `${name}@${ourVersion(name)}`)];
  const options = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  npm(consumer, ['install', ...options, ...packages]);
  const optional = join(consumer, 'node_modules', '@xenova', 'transformers');
  assert.ok(!existsSync(optional), 'npm installed @xenova/transformers, which is an optional peer dependency');
  found('installed into an empty folder, without the optional peer dependencies');
  cpSync(join(repository, 'test/package/consumer'), consumer, { recursive: true });
  cpSync(join(repository, 'test/types'), join(consumer, 'types'), { recursive: true });
  return consumer;
}
