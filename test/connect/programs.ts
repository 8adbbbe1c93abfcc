import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';
import { Program } from '../faults/programs';

const model = 'built-in-model.bin';
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A program, bundled with the library. It can be started several times. */
export interface BuiltProgram {
  start(task: unknown, environment?: Readonly<Record<string, string>>): Program;
  remove(): void;
}

/** Builds a program of `test/`, which writes lines of JSON to stdout. */
export async function buildProgram(path: string): Promise<BuiltProgram> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(join(cache, 'connect-'));
  await build({
    entry: [join(root, 'test', path)],
    outDir,
    format: ['esm'],
    target: 'node20',
    outExtension: () => ({ js: '.mjs' }),
    splitting: false,
    config: false,
    silent: true,
  });
  // The library looks for the model beside its own file.
  copyFileSync(join(root, 'src/embedding/built-in', model), join(outDir, model));
  const file = join(outDir, basename(path).replace(/\.ts$/, '.mjs'));
  return {
    start: (task, environment = {}) => new Program(file, task, environment),
    remove: () => rmSync(outDir, { recursive: true, force: true }),
  };
}
