import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../house/sources';
import { found } from './found';
import { npm } from './npm';

/** The tools that the package is tried with. They are no development dependencies: only this check uses them. */
const tools: Readonly<Record<string, string>> = {
  jest: '30.5.2',
  webpack: '5.113.0',
  next: '16.4.6',
  react: '19.3.1',
  'react-dom': '19.3.1',
  bun: '1.4.5',
  deno: '2.9.6',
};

/** Copies a folder into which the package is installed, and installs test runners, bundlers and other runtimes there. */
export function installTools(folder: string, consumer: string): string {
  const place = join(folder, 'environments');
  cpSync(consumer, place, { recursive: true, verbatimSymlinks: true });
  cpSync(join(repository, 'test/package/environments'), place, { recursive: true });
  const ours = ['esbuild', 'vitest'].map((name) => `${name}@${ourVersion(name)}`);
  const theirs = Object.entries(tools).map(([name, version]) => `${name}@${version}`);
  npm(place, ['install', '--no-audit', '--no-fund', '--loglevel', 'error', ...ours, ...theirs]);
  found(`installed ${[...ours, ...theirs].join(', ')}`);
  return place;
}

/** The version of a package that this repository has installed. */
export function ourVersion(name: string): string {
  const text = readFileSync(join(repository, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
