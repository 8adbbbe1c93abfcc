import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { builtIn } from '../../tsup.config';
import { importsOf, packageOf } from '../house/imports';
import { repository, type Source } from '../house/sources';
import { budgetProblems, gzippedSize, kilobytes } from './budget';
import { found } from './found';
import { npm } from './npm';

/** A packed library: where the file is, and what is in it. */
export interface Tarball {
  readonly path: string;
  readonly files: readonly Source[];
  /** Bytes of the file, and of what is in it. */
  readonly size: number;
  readonly unpackedSize: number;
}

// The only package whose types a user of ours meets: types alone, made to be met.
const typesOfOthers = ['@standard-schema/spec'];

/** The built-in model, and the licences of what is built in. */
const besidePrograms = ['dist/built-in-model.bin', 'dist/LICENSE-model.md', 'dist/LICENSES.txt'];

const integrations = /^dist\/(ai-sdk|jetstream|langchain|langgraph|mcp)\./;

/** Packs what `npm publish` would, with the build that `prepack` makes, and returns the path of the file. */
export function pack(folder: string): string {
  npm(repository, ['pack', '--silent', '--pack-destination', folder]);
  const name = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  assert.ok(name !== undefined, 'npm pack made no tarball');
  return join(folder, name);
}

/** Unpacks a tarball below a folder and reads every file of it. */
export function readTarball(path: string, folder: string): Tarball {
  const name = 'package.tgz';
  copyFileSync(path, join(folder, name));
  // In the folder, by its bare name: `tar` on Windows may take `C:` for the name of a host.
  execFileSync('tar', ['-xzf', name], { cwd: folder });
  const unpacked = join(folder, 'package');
  const paths = readdirSync(unpacked, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(unpacked, file)).isFile())
    .sort();
  const files = paths.map((file) => ({
    path: file.replaceAll('\\', '/'),
    text: readFileSync(join(unpacked, file), 'utf8'),
  }));
  const unpackedSize = paths.reduce((sum, file) => sum + statSync(join(unpacked, file)).size, 0);
  const size = statSync(path).size;
  found(`${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`);
  return { path: join(folder, name), files, size, unpackedSize };
}

/** The package stays within its budget. */
export async function checkBudget({ size, unpackedSize }: Tarball, folder: string): Promise<void> {
  const entryGzip = await gzippedSize(join(folder, 'package/dist/index.js'));
  const sizes = { tarball: size, unpacked: unpackedSize, entryGzip };
  assert.deepEqual(budgetProblems(sizes), [], 'the package is over its budget');
  found(`within the size budget; the main entry has ${kilobytes(entryGzip)} minified and compressed`);
}

/** The tarball holds the built library and its papers, and asks for nothing that it does not bring or depend on. */
export function checkContents({ files }: Tarball): void {
  const paths = files.map(({ path }) => path);
  const allowed = /^(README\.md|LICENSE|package\.json|dist\/[\w-]+\.(js|cjs|d\.ts|d\.cts))$/;
  assert.deepEqual(
    paths.filter((path) => !allowed.test(path) && !besidePrograms.includes(path)),
    [],
    'files that do not belong into the package',
  );
  for (const path of ['README.md', 'LICENSE', ...besidePrograms]) assert.ok(paths.includes(path), `${path} is missing`);
  found('only the build, the built-in model, README, LICENSE and package.json');

  const dist = files.filter(({ path }) => /\.(c?js|d\.c?ts)$/.test(path));
  const maps = dist.filter(({ text }) => text.includes('sourceMappingURL'));
  assert.deepEqual(
    maps.map(({ path }) => path),
    [],
    'files that name a source map, which is not there',
  );

  const types = dist.filter(({ path }) => /\.d\.c?ts$/.test(path));
  const ofIntegrations = ({ path }: Source) => integrations.test(path);
  const [theirs, ours] = [types.filter(ofIntegrations), types.filter((file) => !ofIntegrations(file))];
  assert.deepEqual(foreign(ours, typesOfOthers), [], 'types of other packages in the public surface');
  assert.deepEqual(foreign(theirs, [...dependencies(), ...brought()]), [], 'types that nobody brings');
  found(`public types name no package but ${typesOfOthers.join(', ')}`);

  const programs = dist.filter(({ path }) => /\.c?js$/.test(path));
  const [integrating, others] = [programs.filter(ofIntegrations), programs.filter((file) => !ofIntegrations(file))];
  assert.deepEqual(
    [...foreign(others, dependencies()), ...foreign(integrating, [...dependencies(), ...brought()])],
    [],
    'packages that the program loads and the package does not depend on',
  );
  for (const extension of ['.js', '.cjs'])
    assert.deepEqual(declaredTwice(programs, extension), [], `classes that two ${extension} files declare`);
  found('each class exists once in each format');

  const dynamic = programs.filter(({ path, text }) => path.endsWith('.cjs') && /\bimport\(["']/.test(text));
  assert.deepEqual(
    dynamic.map(({ path }) => path),
    [],
    'CommonJS files with an `import()` that Jest cannot run',
  );
  found('the CommonJS build loads its dependencies with require');

  const licences = files.find(({ path }) => path === 'dist/LICENSES.txt')?.text ?? '';
  for (const name of builtIn) assert.ok(licences.includes(`## ${name}\n`), `the licence of ${name} is missing`);
  found(`programs load only dependencies; ${builtIn.join(' and ')} are built in, with their licences`);
}

function foreign(files: readonly Source[], allowed: readonly string[]): readonly string[] {
  return files.flatMap(importsOf).flatMap((one) => {
    const name = packageOf(one);
    const isKnown = name === undefined || allowed.includes(name) || builtinModules.includes(name);
    return isKnown ? [] : [`${one.from}: ${one.specifier}`];
  });
}

// `instanceof` and registries work across the two entries only where both use the same class.
function declaredTwice(files: readonly Source[], extension: string): readonly string[] {
  const names = files
    .filter(({ path }) => path.endsWith(extension))
    .flatMap(({ text }) => [
      ...new Set([...text.matchAll(/\bclass (\w+)(?: extends [\w.]+)? \{/g)].map((match) => match[1] ?? '')),
    ]);
  return names.filter((name, i) => names.indexOf(name) !== i);
}

/** The frameworks that users bring: nothing but the entries of the integrations names them. */
function brought(): readonly string[] {
  const text = readFileSync(join(repository, 'package.json'), 'utf8');
  return Object.keys((JSON.parse(text) as { peerDependencies: Record<string, string> }).peerDependencies);
}

function dependencies(): readonly string[] {
  const text = readFileSync(join(repository, 'package.json'), 'utf8');
  const { dependencies, optionalDependencies } = JSON.parse(text) as Record<string, Record<string, string>>;
  return Object.keys({ ...dependencies, ...optionalDependencies });
}
