import type { Database } from 'better-sqlite3';
import { openSqlite } from '../../sqlite/open-sqlite';
import {
  assertNotFatal,
  type SchemaObjects,
  type SchemaProblem,
  schemaObjects,
  schemaProblems,
} from '../../sqlite/schema-check';
import { migrate, versionOf } from './migrations';

const expected = new Map<number, SchemaObjects>();

/** The schema of a version, which the migrations make in an empty database. */
function expectedSchema(version: number): SchemaObjects {
  const known = expected.get(version);
  if (known !== undefined) return known;
  const database = openSqlite(':memory:');
  try {
    migrate(database, version);
    const made = schemaObjects(database);
    expected.set(version, made);
    return made;
  } finally {
    database.close();
  }
}

/** How the schema of a store's database differs from what its schema version has. */
export function storeSchemaProblems(database: Database): SchemaProblem[] {
  return schemaProblems(schemaObjects(database), expectedSchema(versionOf(database)));
}

/** @throws RECORD_DAMAGED if another program has planted a trigger or a view, or has changed a table */
export function assertStoreSchema(database: Database, path: string): void {
  assertNotFatal(path, storeSchemaProblems(database));
}
