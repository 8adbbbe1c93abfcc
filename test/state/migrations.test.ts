import BetterSqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/domain/errors';
import { allow, deny } from '../../src/domain/rule';
import { loadChecksum } from '../../src/state/checksum';
import { DeclarationsTable } from '../../src/state/declarations-table';
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

  test('keep the rules of a store that the first schema made', async () => {
    const database = new BetterSqlite(':memory:');
    migrate(database, 1);
    const insert = database.prepare(
      'insert into rules (effect, subject, actions, namespace, declared, since, until) values (?, ?, ?, ?, ?, ?, ?)',
    );
    insert.run('allow', '"everyone"', '"writer"', '["support"]', 1, 5, null);
    insert.run('deny', '{"agentId":"it\'s"}', '["read","write"]', '[]', 1, 6, 7);
    migrate(database);
    expect(new DeclarationsTable(database, await loadChecksum()).all(true)).toEqual([
      { id: 'rule-1', declaration: allow('everyone', 'writer', ['support']), atOpen: true, since: 5 },
      { id: 'rule-2', declaration: deny({ agentId: "it's" }, ['read', 'write'], []), atOpen: true, since: 6, until: 7 },
    ]);
  });
});

describe('rules as they are kept', () => {
  test('are not guessed: one that was altered makes the store unreadable', async () => {
    const database = new BetterSqlite(':memory:');
    migrate(database);
    const table = new DeclarationsTable(database, await loadChecksum());
    table.change([{ id: 'one', declaration: deny({ agentId: 'a' }, ['read'], ['x']), atOpen: false, since: 1 }], [], 1);
    expect(table.policy().declared.size).toBe(1);
    database.exec('update declarations set declaration = replace(declaration, \'"x"\', \'"y"\')');
    expect(() => table.policy()).toThrow(expect.objectContaining({ code: 'RECORD_DAMAGED' }));
  });
});
