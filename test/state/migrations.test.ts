import BetterSqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/domain/errors';
import { migrate, schemaVersion, versionOf } from '../../src/state/migrations';

function tables(database: BetterSqlite.Database): unknown[] {
  return database.prepare('select type, name, sql from sqlite_master order by name').all();
}

describe('migrations', () => {
  test('bring an empty database to the schema of this release', () => {
    const database = new BetterSqlite(':memory:');
    expect(versionOf(database)).toBe(0);
    migrate(database);
    expect(versionOf(database)).toBe(schemaVersion);
    expect(schemaVersion).toBeGreaterThan(0);
  });

  test('change nothing in a database that has it', () => {
    const database = new BetterSqlite(':memory:');
    migrate(database);
    const before = tables(database);
    migrate(database);
    expect(tables(database)).toEqual(before);
  });

  test('go one version at a time: a script that fails leaves the version before it, and nothing half', () => {
    const database = new BetterSqlite(':memory:');
    // In the way of a table of the first script, whichever it is.
    database.exec('create table revisions (mine text)');
    const before = tables(database);
    expect(() => migrate(database)).toThrow();
    expect(versionOf(database)).toBe(0);
    expect(tables(database)).toEqual(before);
  });

  test('refuse a database of a newer release with STORE_NEWER, and leave it as it is', () => {
    const database = new BetterSqlite(':memory:');
    migrate(database);
    database.pragma(`user_version = ${schemaVersion + 1}`);
    const before = tables(database);
    let error: unknown;
    try {
      migrate(database);
    } catch (thrown) {
      error = thrown;
    }
    expect(MemoryError.is(error) && error.code).toBe('STORE_NEWER');
    expect(MemoryError.is(error) && error.message).toContain(String(schemaVersion + 1));
    expect(tables(database)).toEqual(before);
  });
});
