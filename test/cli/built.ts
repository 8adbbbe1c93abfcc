import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'tsup';
import { repository } from '../house/sources';

/** The program as it is published, in files of its own. */
export interface Built {
  readonly folder: string;
  /** What Node runs. */
  readonly file: string;
  remove(): void;
}

/** Builds the program, with the library inside, where its dependencies are found. */
export async function buildCli(): Promise<Built> {
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
