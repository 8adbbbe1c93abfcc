import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { invalidInput, MemoryError } from '../../domain/errors';
import { openSqlite } from '../../sqlite/open-sqlite';

// A checkpoint of a running writer takes milliseconds, so the second attempt nearly always succeeds.
const maxAttempts = 5;
// Node reads no longer file at once.
const maxBytes = 2 ** 31 - 1;
// The versions of the file format for writing and reading: 2 stands for a write-ahead log, which a database in memory cannot have.
// https://www.sqlite.org/fileformat2.html#file_format_version_numbers
const formatVersionOffsets = [18, 19];

/**
 * Opens a copy in memory of a database that this process cannot or must not write beside: SQLite needs to create files beside a database
 * with a write-ahead log even to read it. The copy has everything that was committed, and does not follow later commits.
 *
 * @param readOnly Whether the copy rejects writes.
 * @throws STORE_HELD if another process changes the database all the time; INVALID_INPUT if it is too large
 */
export function openSnapshot(path: string, { readOnly }: { readOnly: boolean }): Database {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const before = fingerprint(path);
    const { size } = statSync(path);
    if (size > maxBytes) throw tooLarge(path, size);
    const content = hasLog(path) ? withLogApplied(path) : readFileSync(path);
    if (fingerprint(path) !== before) continue;
    for (const offset of formatVersionOffsets) if (offset < content.length) content[offset] = 1;
    return openSqlite(content, { readonly: readOnly });
  }
  const message = `Another process writes ${path} all the time, so that no copy of it can be read. Connect to that process, or try again.`;
  throw new MemoryError('STORE_HELD', message, { retryable: true });
}

/** Whether commits are in the write-ahead log that are not in the database. */
export function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** A text that differs after every commit and every checkpoint. */
function fingerprint(path: string): string {
  return [path, `${path}-wal`]
    .map((file) => statSync(file, { throwIfNoEntry: false, bigint: true }))
    .map((found) => (found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs}`))
    .join(' ');
}

/** The content with the commits of the write-ahead log, which SQLite applies to a temporary copy. */
function withLogApplied(path: string): Buffer {
  // `mkdtemp` gives it the mode 700.
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
  const message = `expected at most ${maxBytes} bytes in a folder that this process cannot write, got ${path} with ${size} bytes. Copy the folder to a place that this process may write, and open the copy.`;
  return invalidInput([{ path: ['folder'], message }], 'folder');
}
