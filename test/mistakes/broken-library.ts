import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import type { Library } from '../worlds/library';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** One fragment of the library's source, and what a mistake puts in its place. */
export interface Edit {
  /** From `src/` on. */
  readonly file: string;
  /** Occurs exactly once, so that a change of the source is noticed. */
  readonly from: string;
  readonly to: string;
}

/** Builds of the library with mistakes in them, in a folder of their own, where dependencies are found. */
export class BrokenLibraries {
  readonly #folder: string;
  #count = 0;

  constructor() {
    const cache = join(root, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    this.#folder = mkdtempSync(join(cache, 'mistakes-'));
    // Programs look for it beside themselves.
    const model = 'built-in-model.bin';
    copyFileSync(join(root, 'src/embedding/built-in', model), join(this.#folder, model));
  }

  /** The library with some fragments replaced. Throws where one of them does not occur exactly once. */
  async load(edits: readonly Edit[]): Promise<Library> {
    const files = editedFiles(edits);
    const outfile = join(this.#folder, `${this.#count++}.mjs`);
    await build({
      entryPoints: [join(root, 'src/index.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      plugins: [replacing(files)],
      logLevel: 'silent',
    });
    const { MemoryStore } = await import(pathToFileURL(outfile).href);
    return {
      inMemory: (options) => MemoryStore.inMemory(options),
      open: (folder, options) => MemoryStore.open(folder, options),
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A module of the tests with mistakes in the library that it uses. */
export interface BrokenModule {
  /** What the module exports, in the form of its source. Paths begin at `folder`. */
  readonly contents: string;
  readonly folder: string;
  readonly edits: readonly Edit[];
}

/** Builds a module of the tests with mistakes in it, and loads it. Throws where a fragment does not occur exactly once. */
export async function loadBrokenModule<T>({ contents, folder: resolveDir, edits }: BrokenModule): Promise<T> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'broken-'));
  const outfile = join(folder, 'module.mjs');
  try {
    await build({
      stdin: { contents, resolveDir, loader: 'ts' },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      plugins: [replacing(editedFiles(edits))],
      logLevel: 'silent',
    });
    return (await import(pathToFileURL(outfile).href)) as T;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The source is no longer what a mistake was made for: nothing is noticed by that. */
export class FragmentMissing extends Error {
  override readonly name = 'FragmentMissing';
}

/** The text of each file that some edits change. */
export function editedFiles(edits: readonly Edit[]): ReadonlyMap<string, string> {
  return new Map([...grouped(edits)].map(([file, own]) => [file, edited(file, own)] as const));
}

/** The text of a file with edits made. */
export function edited(file: string, edits: readonly Edit[]): string {
  let text = readFileSync(join(root, 'src', file), 'utf8');
  for (const { from, to } of edits) {
    const found = text.split(from).length - 1;
    if (found !== 1) throw new FragmentMissing(`src/${file} holds ${found} times, and not once:\n${from}`);
    text = text.replace(from, () => to);
  }
  return text;
}

/** Gives esbuild other contents for some files. */
export function replacing(files: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'mistakes',
    setup({ onLoad }) {
      for (const [file, contents] of files) {
        const path = join(root, 'src', file);
        const filter = new RegExp(`${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
        onLoad({ filter }, () => ({ contents, loader: 'ts' }));
      }
    },
  };
}

function grouped(edits: readonly Edit[]): Map<string, Edit[]> {
  const byFile = new Map<string, Edit[]>();
  for (const edit of edits) byFile.set(edit.file, [...(byFile.get(edit.file) ?? []), edit]);
  return byFile;
}
