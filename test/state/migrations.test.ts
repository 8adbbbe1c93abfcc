import BetterSqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { MemoryError } from '../../src/domain/errors';
import { allow, deny } from '../../src/domain/rule';
import { loadChecksum } from '../../src/state/tables/checksum';
import { Declarations } from '../../src/state/tables/declarations';
import { migrate, schemaVersion, versionOf } from '../../src/state/tables/migrations';

function tables(database: BetterSqlite.Database): unknown[] {
  return database.prepare('select type, name, sql from sqlite_master order by name').all();
}

/** The rows of all tables that have any. */
function contents(database: BetterSqlite.Database): Record<string, unknown[]> {
  const names = database.prepare("select name from sqlite_master where type = 'table'").pluck().all() as string[];
  const rows = names.map((name) => [name, database.prepare(`select * from ${name}`).all()] as const);
  return Object.fromEntries(rows.filter(([, found]) => found.length > 0));
}

describe('migrate', () => {
  test('gives an empty database the schema of this release', () => {
    const database = new BetterSqlite(':memory:');
    expect(versionOf(database)).toBe(0);
    migrate(database);
    expect(versionOf(database)).toBe(schemaVersion);
    expect(schemaVersion).toBeGreaterThan(0);
  });

  test('gives an empty database what all steps give it, one version after the other', () => {
    const stepwise = new BetterSqlite(':memory:');
    for (let version = 1; version <= schemaVersion; version++) migrate(stepwise, version);
    // The first empty database of a process runs the steps, too.
    for (let i = 0; i < 2; i++) {
      const database = new BetterSqlite(':memory:');
      migrate(database);
      expect(tables(database)).toEqual(tables(stepwise));
      expect(contents(database)).toEqual(contents(stepwise));
      expect(contents(database)).toEqual({});
    }
  });

  test('changes nothing in a database that has this schema', () => {
    const database = new BetterSqlite(':memory:');
    migrate(database);
    const before = tables(database);
    migrate(database);
    expect(tables(database)).toEqual(before);
  });

  test('runs each version in one transaction, so a script that fails leaves the previous version', () => {
    const database = new BetterSqlite(':memory:');
    // The first script creates a table with this name.
    database.exec('create table revisions (mine text)');
    const before = tables(database);
    expect(() => migrate(database)).toThrow();
    expect(versionOf(database)).toBe(0);
    expect(tables(database)).toEqual(before);
  });

  test('rejects a database from a newer release with STORE_NEWER and does not change it', () => {
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

  test('keeps the rules of a store with the first schema', async () => {
    const database = new BetterSqlite(':memory:');
    migrate(database, 1);
    const insert = database.prepare(
      'insert into rules (effect, subject, actions, namespace, declared, since, until) values (?, ?, ?, ?, ?, ?, ?)',
    );
    insert.run('allow', '"everyone"', '"writer"', '["support"]', 1, 5, null);
    insert.run('deny', '{"agentId":"it\'s"}', '["read","write"]', '[]', 1, 6, 7);
    migrate(database);
    expect(new Declarations(database, await loadChecksum()).all(true)).toEqual([
      { id: 'rule-1', declaration: allow('everyone', 'writer', ['support']), atOpen: true, since: 5 },
      { id: 'rule-2', declaration: deny({ agentId: "it's" }, ['read', 'write'], []), atOpen: true, since: 6, until: 7 },
    ]);
  });

  test('renames the columns of a store from release 0.1 in memories and earlier revisions, and changes no value', () => {
    const database = new BetterSqlite(':memory:');
    migrate(database, 5);
    const insert = database.prepare('insert into revisions (row, revision, record) values (?, ?, ?)');
    const values = { priority: 0.1, tags: '["a"]', text: '\ud800 "quoted" \u2028', key: null, created_at: 1e12 };
    const earlier = { row: 1, scope: 3, parts: 2, first_entry: 7, entry: 9, ...values };
    insert.run(1, 1, JSON.stringify(earlier));
    insert.run(1, 2, 'damaged: not JSON');
    migrate(database);
    const records = database.prepare('select record from revisions order by revision').pluck().all() as string[];
    expect(JSON.parse(records[0] as string)).toEqual({
      ...{ row: 1, label_set: 3, chunks: 2, first_change_seq: 7, change_seq: 9 },
      ...values,
    });
    expect(records[1]).toBe('damaged: not JSON');
    const columnsOf = (table: string) => database.pragma(`table_info(${table})`) as { name: string }[];
    const names = ['memories', 'changes', 'spaces', 'embedded']
      .flatMap((table) => columnsOf(table))
      .map(({ name }) => name);
    for (const old of ['scope', 'parts', 'entry', 'first_entry']) expect(names).not.toContain(old);
  });
});

describe('Declarations', () => {
  test('throws RECORD_DAMAGED for a rule that was altered in the database', async () => {
    const database = new BetterSqlite(':memory:');
    migrate(database);
    const table = new Declarations(database, await loadChecksum());
    table.change([{ id: 'one', declaration: deny({ agentId: 'a' }, ['read'], ['x']), atOpen: false, since: 1 }], [], 1);
    expect(table.policy().declared.size).toBe(1);
    database.exec('update declarations set declaration = replace(declaration, \'"x"\', \'"y"\')');
    expect(() => table.policy()).toThrow(expect.objectContaining({ code: 'RECORD_DAMAGED' }));
  });
});
