import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtIn } from '../../tsup.config';
import { type Import, importsOf, packageOf } from './imports';
import { repository, type Source } from './sources';

/** Libraries that take long to load: a program that opens no folder, or brings its own embedder, never waits for them. */
export const heavy: readonly string[] = [
  '@lancedb/lancedb',
  'apache-arrow',
  '@xenova/transformers',
  'onnxruntime-node',
  'papaparse',
  '@nats-io/transport-node',
  '@nats-io/jetstream',
];

/** What a user gets with the package: its dependencies, and what the build puts into it. */
export function packagesOfUsers(): readonly string[] {
  const text = readFileSync(join(repository, 'package.json'), 'utf8');
  const { dependencies, optionalDependencies } = JSON.parse(text) as Record<string, Record<string, string>>;
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...builtIn];
}

/** The frameworks and clients that users bring: only integrations and `jetstream/` use them. */
export function packagesThatUsersBring(): readonly string[] {
  const text = readFileSync(join(repository, 'package.json'), 'utf8');
  return Object.keys((JSON.parse(text) as { peerDependencies: Record<string, string> }).peerDependencies);
}

/** Imports of packages that a user does not get. */
export function packageProblems(sources: readonly Source[], packages: readonly string[]): readonly string[] {
  const brought = packagesThatUsersBring();
  const isIntegration = ({ from }: Import) => /^(integrations|jetstream)\//.test(from);
  return sources.flatMap(importsOf).flatMap((found) => {
    const name = packageOf(found);
    const isThere = name === undefined || packages.includes(name) || (isIntegration(found) && brought.includes(name));
    return isThere ? [] : [`${found.place}: ${name} is no dependency of the package`];
  });
}

/** Heavy libraries that a file loads as soon as it is loaded itself. */
export function heavyProblems(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(importsOf).flatMap((found) => {
    const waits = found.typeOnly || found.lazy || !heavy.includes(packageOf(found) ?? '');
    return waits ? [] : [`${found.place}: ${found.specifier} is heavy; load it on first use`];
  });
}
