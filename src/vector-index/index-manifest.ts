import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import xxhash from 'xxhash-wasm';
import type { Probes } from './probes';

/** What was true of an index when it was complete. An index without a seal, or that is not what its seal says, is worth nothing. */
export interface IndexManifest {
  readonly format: number;
  /** Whatever must be the same for the index to be of use: the embedding space, and the store that the rows belong to. */
  readonly space: string;
  readonly dimensions: number;
  /** The folder of the table, beside the seal. */
  readonly generation: string;
  /** The latest entry whose change the table holds. */
  readonly indexedThrough: number;
  /** Which change that was: a restored store may have another with the same number. */
  readonly lastChange: string;
  readonly probes: Probes;
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** Relative to the generation's folder. */
  readonly path: string;
  readonly bytes: number;
  /** XXH64 of the content, in hexadecimal. */
  readonly hash: string;
}

/** Of the seal and of what it describes. Another number means: build it again. */
export const manifestFormat = 2;

const sealName = 'seal.json';
// Large enough that reading costs little per call, small enough that hashing one holds the event loop for 0.1 ms.
const chunkBytes = 2 ** 20;

/** Describes every file of a folder. Reads them all. */
export async function describeFiles(folder: string): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const path of await filesIn(folder)) files.push(await describeFile(folder, path));
  return files;
}

/** In what a folder differs from its seal, a sentence each. Reads every file. */
export async function differences(folder: string, seal: IndexManifest): Promise<string[]> {
  const problems: string[] = [];
  const sealed = new Set(seal.files.map(({ path }) => path));
  const present = new Set(await filesIn(folder));
  for (const path of present) if (!sealed.has(path)) problems.push(`The file ${path} does not belong there.`);
  for (const { path, bytes, hash } of seal.files) {
    if (!present.has(path)) problems.push(`The file ${path} is missing.`);
    else if ((await stat(join(folder, path))).size !== bytes) problems.push(`The file ${path} has another size.`);
    else if ((await describeFile(folder, path)).hash !== hash) problems.push(`The file ${path} has other content.`);
  }
  return problems;
}

/** The seal in a folder, or undefined where there is none that can be read and is whole. */
export async function readManifest(folder: string): Promise<IndexManifest | undefined> {
  try {
    const { seal, hash } = JSON.parse(await readFile(join(folder, sealName), 'utf8')) as {
      seal: IndexManifest;
      hash: string;
    };
    return hash === (await hashOf(seal)) && seal.format === manifestFormat ? seal : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Puts a seal in a folder, in one step. It is not synced, and need not be: what a power failure leaves is an older seal with
 * its files, or something that does not fit together and is built again.
 */
export async function writeManifest(folder: string, seal: IndexManifest): Promise<void> {
  const path = join(folder, sealName);
  await writeFile(`${path}.new`, JSON.stringify({ seal, hash: await hashOf(seal) }));
  await rename(`${path}.new`, path);
}

/** Removes all that the seal does not speak of: what an interrupted build left, and older generations. */
export async function removeUnlisted(folder: string, seal: IndexManifest | undefined): Promise<void> {
  const entries = await readdir(folder).catch(() => []);
  const kept = seal === undefined ? [] : [sealName, seal.generation];
  for (const entry of entries)
    if (!kept.includes(entry)) await rm(join(folder, entry), { recursive: true, force: true });
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

let loading: ReturnType<typeof xxhash> | undefined;

// Each call of its own would compile the hash anew.
function loadHash(): ReturnType<typeof xxhash> {
  loading ??= xxhash();
  return loading;
}

async function describeFile(folder: string, path: string): Promise<ManifestFile> {
  const { create64 } = await loadHash();
  const hash = create64();
  const file = await open(join(folder, path));
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, null);
      if (bytesRead === 0) return { path, bytes, hash: hash.digest().toString(16) };
      bytes += bytesRead;
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

async function hashOf(seal: IndexManifest): Promise<string> {
  const { h64ToString } = await loadHash();
  return h64ToString(JSON.stringify(seal));
}
