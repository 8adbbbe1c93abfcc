import { lstat, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import xxhash from 'xxhash-wasm';
import type { Probes } from './probes';

/**
 * Describes a complete index. An index is used only if it has a manifest and its files match it, for two reasons. An interrupted
 * build leaves no manifest. From damaged files LanceDB returns wrong vectors without an error.
 */
export interface IndexManifest {
  readonly format: number;
  /** Identifies the embedding space and the store. An index with another value is not used. */
  readonly space: string;
  readonly dimensions: number;
  /** The name of the folder with the table, next to the manifest file. */
  readonly generation: string;
  /** The sequence number of the latest change that the table contains. */
  readonly indexedThrough: number;
  /** The fingerprint of that change. A restored database may have another change with the same number. */
  readonly lastChange: string;
  readonly probes: Probes;
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** The path relative to the folder of the generation. */
  readonly path: string;
  readonly bytes: number;
  /** XXH64 of the content, in hexadecimal. */
  readonly hash: string;
}

/** The format of the manifest and of the table. An index with another format is built again. */
export const manifestFormat = 3;

const manifestName = 'manifest.json';
const unfinishedName = `${manifestName}.new`;
const manifestNames = [manifestName, unfinishedName];
// A block is large enough for few calls, and small enough that hashing it blocks the event loop for only 0.1 ms.
const blockBytes = 2 ** 20;
// An index has many small files, and opening and closing one takes longer than hashing it.
const filesAtOnce = 4;

/** Describes every file of a folder. Reads the content of each. */
export async function describeFiles(folder: string): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const path of await filesIn(folder)) files.push(await describeFile(folder, path));
  return files;
}

/** Describes how a folder differs from its manifest, one sentence for each difference. Reads every file. */
export async function differences(folder: string, manifest: IndexManifest): Promise<string[]> {
  const problems: string[] = [];
  const listed = new Set(manifest.files.map(({ path }) => path));
  const present = new Set(await filesIn(folder));
  for (const path of present) if (!listed.has(path)) problems.push(`The file ${path} is not in the manifest.`);
  const found: (string | undefined)[] = [];
  const compare = async (file: ManifestFile) => {
    const { path, bytes, hash } = file;
    if (!present.has(path)) return `The file ${path} is missing.`;
    if ((await stat(join(folder, path))).size !== bytes) return `The file ${path} has a different size.`;
    return (await describeFile(folder, path)).hash === hash ? undefined : `The file ${path} has different content.`;
  };
  let next = 0;
  const compareNext = async () => {
    for (let i = next++; i < manifest.files.length; i = next++)
      found[i] = await compare(manifest.files[i] as ManifestFile);
  };
  await Promise.all(Array.from({ length: filesAtOnce }, compareNext));
  return [...problems, ...found.filter((problem) => problem !== undefined)];
}

/** Reads the manifest in a folder. Returns undefined if there is none, if it is damaged, or if it has another format. */
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
 * Replaces the manifest in a folder in one step, without syncing it to disk. After a power failure the folder has an older manifest
 * with its files, or files that do not match; then the index is built again.
 */
export async function writeManifest(folder: string, manifest: IndexManifest): Promise<void> {
  const path = join(folder, manifestName);
  const unfinished = join(folder, unfinishedName);
  const json = JSON.stringify({ manifest, hash: await hashOf(manifest) });
  await writeFile(unfinished, json, { mode: await fileModeIn(folder) });
  await rename(unfinished, path);
}

/** Returns the name of the folder for a generation. */
export function generationName(id: string): string {
  return `generation-${id}`;
}

// In the first release, the name of a generation was only its id.
const generationNames = /^(generation-.*|[0-9a-f]{16})$/;

/**
 * Removes the files of an index that the manifest does not name: older generations, and files of interrupted builds. Files that do
 * not belong to an index stay.
 */
export async function removeUnlisted(folder: string, manifest: IndexManifest | undefined): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const kept = manifest === undefined ? [] : [manifestName, manifest.generation];
  for (const entry of entries) {
    const isOwn = entry.isDirectory() ? generationNames.test(entry.name) : manifestNames.includes(entry.name);
    if (isOwn && !kept.includes(entry.name)) await rm(join(folder, entry.name), { recursive: true, force: true });
  }
}

/** Removes an index. The folder itself stays if it contains other files. */
export async function removeIndex(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => undefined);
  // Does not follow a symbolic link, because it may lead to a folder that does not belong to the store.
  if (found?.isDirectory() !== true) return;
  await removeUnlisted(folder, undefined);
  await rmdir(folder).catch(() => undefined);
}

/** Returns the mode for new files in a folder. Only users who can read the folder can read the files. */
async function fileModeIn(folder: string): Promise<number> {
  return (await stat(folder)).mode & 0o666;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

let hashing: ReturnType<typeof xxhash> | undefined;

// Keeps the compiled hash function, because each call of `xxhash()` compiles it again.
function loadHash(): ReturnType<typeof xxhash> {
  hashing ??= xxhash();
  return hashing;
}

async function describeFile(folder: string, path: string): Promise<ManifestFile> {
  const { create64 } = await loadHash();
  const hash = create64();
  const file = await open(join(folder, path));
  try {
    const { size } = await file.stat();
    const length = Math.min(blockBytes, size + 1);
    // Another thread reads a block while this one hashes the block before it.
    const [first, second] = [Buffer.allocUnsafe(length), Buffer.allocUnsafe(size < length ? 1 : length)];
    let bytes = 0;
    let reading = file.read(first, 0, first.length, null);
    for (let isFirst = true; ; isFirst = !isFirst) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) return { path, bytes, hash: hash.digest().toString(16) };
      const free = isFirst ? second : first;
      reading = file.read(free, 0, free.length, null);
      bytes += bytesRead;
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

async function hashOf(manifest: IndexManifest): Promise<string> {
  const { h64ToString } = await loadHash();
  return h64ToString(JSON.stringify(manifest));
}
