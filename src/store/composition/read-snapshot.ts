import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { invalidInput, MemoryError } from '../../domain/errors';
import { openSqlite } from '../../sqlite/open-sqlite';

// A checkpoint of a running writer takes milliseconds, so the second attempt nearly always succeeds.
const maxAttempts = 5;
// Node cannot read a longer file in one call.
export const maxSnapshotBytes = 2 ** 31 - 1;
// The offsets of the file format versions for writing and reading. Version 2 means a write-ahead log, which a database in RAM cannot have.
// https://www.sqlite.org/fileformat2.html#file_format_version_numbers
const formatVersionOffsets = [18, 19];

/**
 * Opens a copy of a database in RAM. It is for databases in folders where this process cannot or must not create files, because SQLite
 * must create files next to a database with a write-ahead log even to read it. The copy contains everything that was committed, but no
 * later commits.
 *
 * @param readOnly If true, the copy rejects writes.
 * @throws STORE_HELD if another process changes the database all the time; INVALID_INPUT if the database is too large
 */
export function openSnapshot(path: string, { readOnly }: { readOnly: boolean }): Database {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const before = fingerprint(path);
    const { size } = statSync(path);
    if (size > maxSnapshotBytes) throw tooLarge(path, size);
    const content = hasLog(path) ? withLogApplied(path) : readFileSync(path);
    if (fingerprint(path) !== before) continue;
    for (const offset of formatVersionOffsets) if (offset < content.length) content[offset] = 1;
    return openSqlite(content, { readonly: readOnly });
  }
  const message = `Another process changes ${path} all the time, so no copy of it can be read. Connect to that process, or try again.`;
  throw new MemoryError('STORE_HELD', message, { retryable: true });
}

/** Checks whether the write-ahead log may contain commits that are not in the database file yet. */
export function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Returns a text that is different after every commit and every checkpoint. */
function fingerprint(path: string): string {
  return [path, `${path}-wal`]
    .map((file) => statSync(file, { throwIfNoEntry: false, bigint: true }))
    .map((found) => (found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs}`))
    .join(' ');
}

/** Reads the content of a database with the commits in its write-ahead log. SQLite applies them to a temporary copy. */
function withLogApplied(path: string): Buffer {
  // `mkdtemp` gives the folder the mode 700.
  const folder = mkdtempSync(join(tmpdir(), 'multi-agent-memory-'));
  try {
    const copy = join(folder, basename(path));
    for (const end of ['', '-wal']) {
      copyFileSync(path + end, copy + end);
      chmodSync(copy + end, 0o600);
    }
    const database = openSqlite(copy);
    try {
      database.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      database.close();
    }
    return readFileSync(copy);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tooLarge(path: string, size: number): MemoryError {
  const message = `expected at most ${maxSnapshotBytes} bytes in a folder that this process cannot write, got ${path} with ${size} bytes. Copy the folder to a place that this process may write, and open the copy.`;
  return invalidInput([{ path: ['folder'], message }], 'folder');
}
