import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../domain/calls';
import { startStopwatch } from '../environment/timers';
import type { ByteSearch } from './byte-search';

/** What a scan of a folder has read, and the first place of each pattern that it has found. */
export interface FolderScan {
  readonly files: number;
  readonly bytes: number;
  /** By the number of the pattern. */
  readonly found: ReadonlyMap<number, FoundPlace>;
}

/** Where a pattern was found first. */
export interface FoundPlace {
  /** The path of the file in the folder. */
  readonly file: string;
  readonly offset: number;
}

export interface ScanOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Searching so many bytes takes 1 to 3 ms. Other calls run between two reads. */
const bytesPerRead = 2 ** 18;

/** Reads every byte of every file in a folder and below, and searches for patterns. Files that disappear meanwhile are left out. */
export async function scanFolder(
  folder: string,
  search: ByteSearch,
  { signal, onProgress }: ScanOptions,
): Promise<FolderScan> {
  const found = new Map<number, FoundPlace>();
  const files = await filesIn(folder, '');
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const elapsedMs = startStopwatch();
  const overlap = Math.max(0, search.longest - 1);
  const buffer = Buffer.allocUnsafe(overlap + bytesPerRead);
  let read = 0;
  let bytes = 0;
  for (const { name } of files) {
    const file = await openIfThere(join(folder, name));
    if (file === undefined) continue;
    try {
      // The end of each part is searched again with the next one: a pattern may lie across both.
      for (let kept = 0, position = 0; ; ) {
        signal?.throwIfAborted();
        const { bytesRead } = await file.read(buffer, kept, bytesPerRead, position);
        if (bytesRead === 0) break;
        const start = position - kept;
        search.search(buffer.subarray(0, kept + bytesRead), (pattern, offset) => {
          if (!found.has(pattern)) found.set(pattern, { file: name, offset: start + offset });
        });
        position += bytesRead;
        bytes += bytesRead;
        const end = kept + bytesRead;
        kept = Math.min(overlap, end);
        buffer.copyWithin(0, end - kept, end);
        onProgress?.({
          phase: 'scan',
          done: bytes,
          failed: 0,
          total: Math.max(total, bytes),
          perSecond: (bytes / elapsedMs()) * 1000,
        });
      }
      read++;
    } finally {
      await file.close();
    }
  }
  return { files: read, bytes, found };
}

/** The files in a folder and below, with their sizes. */
async function filesIn(folder: string, below: string): Promise<{ name: string; size: number }[]> {
  const found: { name: string; size: number }[] = [];
  for (const each of (await readdir(join(folder, below)).catch(ignoreMissing)) ?? []) {
    const name = below === '' ? each : `${below}/${each}`;
    const about = await stat(join(folder, name)).catch(ignoreMissing);
    if (about?.isDirectory()) found.push(...(await filesIn(folder, name)));
    else if (about?.isFile()) found.push({ name, size: about.size });
  }
  return found;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch(ignoreMissing);
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
