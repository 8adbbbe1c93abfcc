import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { onTestFinished } from 'vitest';

/** An empty folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function databaseIn(folder: string): string {
  return join(folder, 'memory.db');
}

/** Alters the database of a closed store directly, without the library. */
export function alterDatabase<T>(folder: string, run: (database: Database) => T): T {
  const database = new BetterSqlite(databaseIn(folder));
  try {
    return run(database);
  } finally {
    database.close();
  }
}

/** Every file in a folder, by its relative path. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
