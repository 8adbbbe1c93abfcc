import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../house/sources';
import { found } from './found';
import { npm } from './npm';

/**
 * Installs the tarball into an empty folder beside what a user of TypeScript has, with none of our `overrides`, and puts
 * the programs of `consumer/` there. Takes the optional dependency away where it could be installed, so that what is
 * checked is the same everywhere.
 */
export function install(folder: string, tarball: string): string {
  const consumer = join(folder, 'consumer');
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const packages = [tarball, ...['typescript', '@types/node'].map((name) => `${name}@${ourVersion(name)}`)];
  const options = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  npm(consumer, ['install', ...options, ...packages]);
  const optional = join(consumer, 'node_modules', '@xenova', 'transformers');
  found(
    `installed into an empty folder; the optional dependency ${existsSync(optional) ? 'came along' : 'could not be built'}`,
  );
  rmSync(optional, { recursive: true, force: true });
  cpSync(join(repository, 'test/package/consumer'), consumer, { recursive: true });
  cpSync(join(repository, 'test/types'), join(consumer, 'types'), { recursive: true });
  return consumer;
}

function ourVersion(name: string): string {
  const text = readFileSync(join(repository, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
