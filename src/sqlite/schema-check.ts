import type { Database, Statement } from 'better-sqlite3';
import { MemoryError } from '../domain/errors';

/** The tables, indexes, triggers and views of a database: for each its definition. */
export type SchemaObjects = ReadonlyMap<string, SchemaObject>;

interface SchemaObject {
  readonly type: 'table' | 'index' | 'trigger' | 'view';
  readonly name: string;
  /** The definition in one form: SQL without differences of white space, quotes and case. */
  readonly sql: string;
  /** For a table, its columns with their types and defaults. */
  readonly columns: string;
}

/** How a database differs from what this library has made. */
export interface SchemaProblem {
  readonly message: string;
  /** Whether opening the database could run or read what another program has planted, so that it must not be opened. */
  readonly isFatal: boolean;
}

/** Reads the schema of a database. Objects that SQLite makes for itself are left out. */
export function schemaObjects(database: Database): SchemaObjects {
  const rows = database
    .prepare(
      "select type, name, coalesce(sql, '') as sql from sqlite_master where name not like 'sqlite\\_%' escape '\\'",
    )
    .all() as Omit<SchemaObject, 'columns'>[];
  const columnsOf = database
    .prepare('select name, type, "notnull", dflt_value, pk, hidden from pragma_table_xinfo(?)')
    .raw();
  return new Map(
    rows.map(({ type, name, sql }) => {
      // The columns of a view are computed by its query, which may never end.
      const columns = type === 'table' ? describeColumns(columnsOf, name) : '';
      return [`${type} ${name}`, { type, name, sql: sql.replace(/[\s"`[\]]+/g, '').toLowerCase(), columns }];
    }),
  );
}

/** The columns of a table as one text. SQLite cannot read those of a full-text index whose own tables were dropped. */
function describeColumns(columnsOf: Statement, table: string): string {
  try {
    return JSON.stringify(columnsOf.all(table));
  } catch {
    return 'unreadable';
  }
}

/** Compares the schema of a database with the expected one. */
export function schemaProblems(found: SchemaObjects, expected: SchemaObjects): SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  for (const [key, { type, name, sql, columns }] of found) {
    const own = expected.get(key);
    const what = `${type} ${quoted(name)}`;
    if (own === undefined) {
      const isFatal = type === 'trigger' || type === 'view';
      problems.push({ message: `The database has a ${what} that this library did not make.`, isFatal });
    } else if (own.columns !== columns || own.sql !== sql) {
      const isFatal = own.columns !== columns;
      problems.push({ message: `The ${what} is not as this library made it.`, isFatal });
    }
  }
  for (const [key, { type, name }] of expected)
    if (!found.has(key))
      problems.push({ message: `The ${type} ${quoted(name)} is missing.`, isFatal: type === 'table' });
  return problems;
}

/** @throws RECORD_DAMAGED if a problem is fatal */
export function assertNotFatal(path: string, problems: readonly SchemaProblem[]): void {
  const fatal = problems.filter(({ isFatal }) => isFatal).slice(0, maxReported);
  if (fatal.length === 0) return;
  const reasons = fatal.map(({ message }) => message).join(' ');
  const message = `The database ${path} is damaged, or another program has changed it. ${reasons} Restore the folder from a backup.`;
  throw new MemoryError('RECORD_DAMAGED', message);
}

const maxReported = 10;
const maxNameLength = 60;

/** A name as a message shows it. Another program may have chosen it. */
function quoted(name: string): string {
  return JSON.stringify(name.slice(0, maxNameLength));
}
