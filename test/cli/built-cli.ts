import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'tsup';
import { repository } from '../house/sources';

/** The built program. */
export interface BuiltCli {
  readonly folder: string;
  /** The file to run with Node.js. */
  readonly file: string;
  remove(): void;
}

/** Builds the program and the library into one folder below `node_modules`, where it finds its dependencies. */
export async function buildCli(): Promise<BuiltCli> {
  const cache = join(repository, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'cli-'));
  await build({
    entry: { cli: join(repository, 'src/cli/main.ts') },
    outDir: folder,
    format: ['esm'],
    target: 'node20',
    outExtension: () => ({ js: '.mjs' }),
    splitting: true,
    config: false,
    silent: true,
    removeNodeProtocol: false,
  });
  const model = 'built-in-model.bin';
  copyFileSync(join(repository, 'src/embedding/built-in', model), join(folder, model));
  return { folder, file: join(folder, 'cli.mjs'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
