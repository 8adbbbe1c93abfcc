import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import type { ChunkVectors } from '../../domain/command';
import { prepare } from '../../sqlite/sqlite';
import type { Checksum } from '../tables/checksum';
import { laterColumns, type MemoryRow, memoryColumns, storedText } from '../tables/memory-row';
import { encodeRevision } from '../tables/revision-record';
import { type MemoriesTable, queries, type Tables } from '../tables/schema';
import { maxChunks, vectorKey } from '../tables/vector-table';

type Row<T> = { [K in keyof T]: T[K] };

/** Writes single rows of the tables. Only `apply` uses it, inside its transaction. */
export class TableWriter {
  readonly #checksum: Checksum;
  readonly #statements;

  constructor(database: Database, checksum: Checksum) {
    this.#checksum = checksum;
    this.#statements = prepareAll(database);
  }

  insertRecord(record: MemoryRow): void {
    this.#statements.insertMemory.run(record);
    this.#statements.putText.run({ row: record.row, text: storedText(record.text) });
  }

  replaceRecord(record: MemoryRow, textChanged: boolean): void {
    this.#statements.replaceMemory.run(record);
    if (textChanged) this.#statements.putText.run({ row: record.row, text: storedText(record.text) });
  }

  /** Replaces a memory with its tombstone (the row that remains after it was forgotten). Deletes its text and earlier revisions. */
  replaceByTombstone(record: MemoryRow): void {
    this.#statements.replaceMemory.run(record);
    this.#statements.deleteText.run({ row: record.row });
    this.#statements.deleteRevisions.run({ row: record.row });
  }

  insertTags(row: number, tags: readonly string[]): void {
    for (const tag of tags) this.#statements.insertTag.run({ tag, row });
  }

  deleteTags(row: number, tags: readonly string[]): void {
    for (const tag of tags) this.#statements.deleteTag.run({ tag, row });
  }

  /** Deletes the tags of a damaged record, whose own list of tags cannot be trusted. This is slow, because it reads the whole table. */
  deleteAllTags(row: number): void {
    this.#statements.deleteAllTags.run({ row });
  }

  insertVectors(row: number, space: number, { vectors }: ChunkVectors): void {
    for (const [chunk, numbers] of vectors.entries()) {
      const vector = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
      const checksum = this.#checksum.ofBytes(vector);
      this.#statements.insertVector.run({ key: vectorKey(space, row, chunk), vector, checksum });
    }
  }

  /** Deletes the vectors of one row, or of all rows from `row` to `upTo`. */
  deleteVectors(row: number, space: number, upTo = row): void {
    this.#statements.deleteVectors.run({ from: vectorKey(space, row, 0), to: vectorKey(space, upTo, maxChunks - 1) });
  }

  insertChange(change: Tables['changes']): void {
    this.#statements.insertChange.run(change);
  }

  /** Keeps a revision that `next` follows. */
  insertRevision(record: MemoryRow, next: MemoryRow): void {
    const { row, revision } = record;
    this.#statements.insertRevision.run({ row, revision, record: encodeRevision(record, next) });
  }

  insertFormerSubject(line: Tables['former_subjects']): void {
    this.#statements.insertFormerSubject.run(line);
  }

  /** Deletes whom memories were about before their latest revisions. It reads the whole table once, however many memories these are. */
  deleteFormerSubjects(rows: readonly number[]): void {
    this.#statements.deleteFormerSubjects.run({ rows: JSON.stringify(rows) });
  }

  /** Deletes the idempotency keys of memories. It reads the whole table once, however many memories these are. */
  deleteIdempotency(ids: readonly string[]): void {
    this.#statements.deleteIdempotency.run({ ids: JSON.stringify(ids) });
  }

  insertIdempotency(line: Tables['idempotency']): void {
    this.#statements.insertIdempotency.run(line);
  }
}

const storedColumns = [...memoryColumns, ...laterColumns, 'checksum'] as const;

function columns<T>(names: readonly (keyof T & string)[], p: (name: never) => unknown): Row<T> {
  return Object.fromEntries(names.map((name) => [name, p(name as never)])) as Row<T>;
}

function prepareAll(database: Database) {
  const insert = <T extends keyof Tables>(table: T, names: readonly (keyof Tables[T] & string)[]) =>
    prepare<Tables[T], unknown>(database, (p) =>
      queries.insertInto(table).values(columns<Tables[T]>(names, p as never) as never),
    );
  return {
    insertMemory: insert('memories', storedColumns),
    replaceMemory: prepare<MemoriesTable, unknown>(database, (p) =>
      queries.updateTable('memories').set(columns<MemoriesTable>(storedColumns, p)).where('row', '=', p('row')),
    ),
    putText: prepare<Tables['texts'], unknown>(database, (p) =>
      queries.replaceInto('texts').values({ row: p('row'), text: p('text') }),
    ),
    deleteText: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('texts').where('row', '=', p('row')),
    ),
    insertTag: insert('tags', ['tag', 'row']),
    deleteTag: prepare<Tables['tags'], unknown>(database, (p) =>
      queries.deleteFrom('tags').where('tag', '=', p('tag')).where('row', '=', p('row')),
    ),
    deleteAllTags: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('tags').where('row', '=', p('row')),
    ),
    insertVector: insert('vectors', ['key', 'vector', 'checksum']),
    deleteVectors: prepare<{ from: number; to: number }, unknown>(database, (p) =>
      queries.deleteFrom('vectors').where('key', '>=', p('from')).where('key', '<=', p('to')),
    ),
    insertChange: insert('changes', ['change_seq', 'row', 'revision', 'type', 'at', 'by', 'label_set', 'owner']),
    insertRevision: insert('revisions', ['row', 'revision', 'record']),
    deleteRevisions: prepare<{ row: number }, unknown>(database, (p) =>
      queries.deleteFrom('revisions').where('row', '=', p('row')),
    ),
    insertFormerSubject: prepare<Tables['former_subjects'], unknown>(database, (p) =>
      queries
        .insertInto('former_subjects')
        .values({ user_id: p('user_id'), row: p('row') })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    deleteFormerSubjects: prepare<{ rows: string }, unknown>(database, (p) =>
      queries
        .deleteFrom('former_subjects')
        .where('row', 'in', sql<number>`(select value from json_each(${p('rows')}))`),
    ),
    deleteIdempotency: prepare<{ ids: string }, unknown>(database, (p) =>
      queries.deleteFrom('idempotency').where('id', 'in', sql<string>`(select value from json_each(${p('ids')}))`),
    ),
    insertIdempotency: insert('idempotency', ['author', 'key', 'digest', 'id', 'revision']),
  };
}
