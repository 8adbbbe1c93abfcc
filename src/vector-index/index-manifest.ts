import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import xxhash from 'xxhash-wasm';
import type { Probes } from './probes';

/**
 * Describes a complete index. An index is used only if it has a manifest and its files match it: an interrupted build leaves no
 * manifest, and LanceDB returns wrong vectors from damaged files without an error.
 */
export interface IndexManifest {
  readonly format: number;
  /** Identifies the embedding space and the store. An index of another one is of no use. */
  readonly space: string;
  readonly dimensions: number;
  /** The folder of the table, beside the manifest. */
  readonly generation: string;
  /** The sequence number of the latest change that the table holds. */
  readonly indexedThrough: number;
  /** The fingerprint of that change: a restored database may hold another change under the same number. */
  readonly lastChange: string;
  readonly probes: Probes;
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** Relative to the folder of the generation. */
  readonly path: string;
  readonly bytes: number;
  /** XXH64 of the content, in hexadecimal. */
  readonly hash: string;
}

/** The format of the manifest and of the table. An index of another format is built again. */
export const manifestFormat = 3;

const manifestName = 'manifest.json';
// Large enough for few calls, and small enough that hashing one block holds the event loop for 0.1 ms.
const blockBytes = 2 ** 20;

/** Describes every file of a folder. Reads them all. */
export async function describeFiles(folder: string): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const path of await filesIn(folder)) files.push(await describeFile(folder, path));
  return files;
}

/** How a folder differs from its manifest, one sentence for each difference. Reads every file. */
export async function differences(folder: string, manifest: IndexManifest): Promise<string[]> {
  const problems: string[] = [];
  const listed = new Set(manifest.files.map(({ path }) => path));
  const present = new Set(await filesIn(folder));
  for (const path of present) if (!listed.has(path)) problems.push(`The file ${path} is not in the manifest.`);
  for (const { path, bytes, hash } of manifest.files) {
    if (!present.has(path)) problems.push(`The file ${path} is missing.`);
    else if ((await stat(join(folder, path))).size !== bytes) problems.push(`The file ${path} has a different size.`);
    else if ((await describeFile(folder, path)).hash !== hash) problems.push(`The file ${path} has different content.`);
  }
  return problems;
}

/** The manifest in a folder, or undefined if there is none, or if it is damaged or of another format. */
export async function readManifest(folder: string): Promise<IndexManifest | undefined> {
  try {
    const { manifest, hash } = JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as {
      manifest: IndexManifest;
      hash: string;
    };
    return hash === (await hashOf(manifest)) && manifest.format === manifestFormat ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Replaces the manifest in a folder in one step. It is not synced: after a power failure there is an older manifest with its
 * files, or files that do not match, and the index is built again.
 */
export async function writeManifest(folder: string, manifest: IndexManifest): Promise<void> {
  const path = join(folder, manifestName);
  await writeFile(`${path}.new`, JSON.stringify({ manifest, hash: await hashOf(manifest) }));
  await rename(`${path}.new`, path);
}

/** Removes everything that the manifest does not name: older generations, and what an interrupted build left. */
export async function removeUnlisted(folder: string, manifest: IndexManifest | undefined): Promise<void> {
  const entries = await readdir(folder).catch(() => []);
  const kept = manifest === undefined ? [] : [manifestName, manifest.generation];
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

let hashing: ReturnType<typeof xxhash> | undefined;

// Every call of `xxhash()` compiles the hash again.
function loadHash(): ReturnType<typeof xxhash> {
  hashing ??= xxhash();
  return hashing;
}

async function describeFile(folder: string, path: string): Promise<ManifestFile> {
  const { create64 } = await loadHash();
  const hash = create64();
  const file = await open(join(folder, path));
  try {
    const block = Buffer.allocUnsafe(blockBytes);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(block, 0, blockBytes, null);
      if (bytesRead === 0) return { path, bytes, hash: hash.digest().toString(16) };
      bytes += bytesRead;
      hash.update(block.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

async function hashOf(manifest: IndexManifest): Promise<string> {
  const { h64ToString } = await loadHash();
  return h64ToString(JSON.stringify(manifest));
}
