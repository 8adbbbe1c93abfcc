import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, prepareLists, translated } from '../../sqlite/sqlite';
import type { TrustColumns } from '../apply/trust';
import {
  type MemoryRow,
  memoryRowOf,
  type RecordList,
  type RowChecksum,
  recordColumns,
  type StoredMemoryRow,
  storedRowOf,
  textOf,
} from '../tables/memory-row';
import { queries } from '../tables/schema';

export type RecordPlace = Pick<MemoryRow, 'id' | 'created_at' | 'change_seq'>;

/**
 * Looks up single records. Methods check each record against its checksum, unless their name contains `unchecked`. A tombstone is the
 * record that remains after a memory was forgotten.
 */
export class MemoryQueries {
  readonly #rowChecksum: RowChecksum;
  readonly #byId;
  readonly #byRow;
  readonly #idsFrom;
  readonly #placeOf;
  readonly #metadataOf;
  readonly #textOf;
  readonly #byKey;
  readonly #lastFactSince;
  readonly #byAnyKey;
  readonly #formerIdsAbout;
  readonly #trustColumnsOf;

  // Long: one statement for each lookup.
  constructor(database: Database, rowChecksum: RowChecksum) {
    this.#rowChecksum = rowChecksum;
    this.#byId = prepareRecord<string>(database, 'id');
    this.#byRow = prepareRecord<number>(database, 'row');
    this.#idsFrom = prepare<{ after: string; before: string; limit: number }, { row: number; id: string }>(
      database,
      (p) =>
        queries
          .selectFrom('memories')
          .select(['row', 'id'])
          .where('id', '>', p('after'))
          .where('id', '<', p('before'))
          .orderBy('id')
          .limit(p('limit')),
    );
    this.#placeOf = prepare<{ row: number }, RecordPlace>(database, (p) =>
      queries
        .selectFrom('memories')
        .select(['id', 'created_at', 'change_seq'])
        .where('row', '=', p('row'))
        .where('state', '!=', 'forgotten'),
    );
    this.#metadataOf = prepare<{ row: number }, { metadata: string; change_seq: number }>(database, (p) =>
      queries
        .selectFrom('memories')
        .select(['metadata', 'change_seq'])
        .where('row', '=', p('row'))
        .where('state', '!=', 'forgotten'),
    );
    this.#textOf = prepare<{ row: number }, { text: string | Buffer; change_seq: number }>(database, (p) =>
      queries
        .selectFrom('memories')
        .innerJoin('texts', 'texts.row', 'memories.row')
        .select(['texts.text', 'memories.change_seq'])
        .where('memories.row', '=', p('row')),
    );
    this.#byAnyKey = prepare<{ label_set: number; key: string }, StoredMemoryRow>(database, (p) =>
      withText()
        .where('memories.label_set', '=', p('label_set'))
        .where('memories.key', '=', p('key'))
        .orderBy('memories.owner')
        .limit(1),
    );
    this.#lastFactSince = prepare<{ row: number }, { row: number }>(database, (p) =>
      queries
        .selectFrom('memories')
        .select('row')
        .where('row', '>', p('row'))
        .where('source_channel', '=', sql.lit('consolidation'))
        .orderBy('row', 'desc')
        .limit(1),
    );
    this.#byKey = prepare<{ label_set: number; owner: number; key: string }, StoredMemoryRow>(database, (p) =>
      withText()
        .where('memories.label_set', '=', p('label_set'))
        .where('memories.owner', '=', p('owner'))
        .where('memories.key', '=', p('key')),
    );
    this.#trustColumnsOf = prepareTrustColumns(database);
    this.#formerIdsAbout = prepare<{ userId: string }, { id: string }>(database, (p) =>
      queries
        .selectFrom('memories')
        .select('id')
        .where('user_id', '=', p('userId'))
        .where('state', '=', sql.lit('forgotten'))
        .union(
          queries
            .selectFrom('former_subjects')
            .innerJoin('memories', 'memories.row', 'former_subjects.row')
            .select('memories.id')
            .where('former_subjects.user_id', '=', p('userId')),
        ),
    );
  }

  /** The columns on which the trust of a memory or a tombstone depends. Does not check the record. */
  trustColumnsOf(row: number): TrustColumns | undefined {
    return this.#trustColumnsOf.get({ row });
  }

  /** The record of a memory that is not forgotten. */
  unchecked(id: string): MemoryRow | undefined {
    const stored = this.#byId(id);
    return stored === undefined || stored.state === 'forgotten' ? undefined : memoryRowOf(stored);
  }

  /** The record of a memory that is not forgotten. */
  uncheckedByRow(row: number): MemoryRow | undefined {
    const stored = this.#byRow(row);
    return stored === undefined || stored.state === 'forgotten' ? undefined : memoryRowOf(stored);
  }

  /** The last row after this one that a consolidation has written. Does not check the record. */
  lastFactSince(row: number): number | undefined {
    return this.#lastFactSince.get({ row })?.row;
  }

  /** The record or the tombstone of a memory. */
  uncheckedOrTombstone(id: string): MemoryRow | undefined {
    const stored = this.#byId(id);
    return stored && memoryRowOf(stored);
  }

  /**
   * The record or the tombstone of a memory.
   *
   * @throws RECORD_DAMAGED
   */
  tombstoneOrRecord(id: string): MemoryRow | undefined {
    const stored = this.#byId(id);
    return stored && this.#rowChecksum.checkedRow(stored);
  }

  /**
   * The record or the tombstone of a row.
   *
   * @throws RECORD_DAMAGED
   */
  tombstoneOrRecordOfRow(row: number): MemoryRow | undefined {
    const stored = this.#byRow(row);
    return stored && this.#rowChecksum.checkedRow(stored);
  }

  /**
   * The record of a memory that is not forgotten.
   *
   * @throws RECORD_DAMAGED
   */
  byRow(row: number): MemoryRow | undefined {
    const stored = this.#byRow(row);
    return stored === undefined || stored.state === 'forgotten' ? undefined : this.#rowChecksum.checkedRow(stored);
  }

  /** The metadata of a row as JSON. Undefined if the memory has changed since a change. Does not check the record. */
  metadataOf(row: number, changeSeq: number): string | undefined {
    const stored = this.#metadataOf.get({ row });
    return stored?.change_seq === changeSeq ? stored.metadata : undefined;
  }

  /**
   * The rows, also those of forgotten memories, whose ids begin with some characters of a UUID and come after another id; in the order of
   * their ids.
   */
  rowsWithIdStart(start: string, after: string, limit: number): { row: number; id: string }[] {
    // The letter after the last hexadecimal digit.
    return translated(() => this.#idsFrom.all({ after, before: `${start}g`, limit }));
  }

  /** The text of a row. Undefined if the memory has changed since a change. Does not check the record. */
  textOf(row: number, changeSeq: number): string | undefined {
    const stored = this.#textOf.get({ row });
    return stored?.change_seq === changeSeq ? textOf(stored.text).toWellFormed() : undefined;
  }

  /** Where the memory of a row stands in the order of an answer, and its latest change. Reads no text, and does not check the record. */
  placeOf(row: number): RecordPlace | undefined {
    return this.#placeOf.get({ row });
  }

  /** Like `byRow`, but returns undefined for a damaged record. */
  intactByRow(row: number): MemoryRow | undefined {
    const record = this.uncheckedByRow(row);
    return record !== undefined && this.#rowChecksum.isIntact(record) ? record : undefined;
  }

  /**
   * Looks up a record by its label set, owner and key. With the owner 'any', a shared record comes first, then the record whose owner
   * has the lowest number.
   *
   * @throws RECORD_DAMAGED
   */
  byKey(labelSet: number, owner: number | 'any', key: string): MemoryRow | undefined {
    const record = this.uncheckedByKey(labelSet, owner, key);
    return record && this.#rowChecksum.checked(record);
  }

  /** Like `byKey`, but does not check the record against its checksum. */
  uncheckedByKey(labelSet: number, owner: number | 'any', key: string): MemoryRow | undefined {
    const stored =
      owner === 'any'
        ? this.#byAnyKey.get({ label_set: labelSet, key })
        : this.#byKey.get({ label_set: labelSet, owner, key });
    return stored && memoryRowOf(stored);
  }

  /** The ids of all forgotten memories that are about a user, and of all memories that once were. */
  formerIdsAbout(userId: string): string[] {
    return translated(() => this.#formerIdsAbout.all({ userId })).map(({ id }) => id);
  }
}

function prepareTrustColumns(database: Database) {
  return prepare<{ row: number }, TrustColumns>(database, (p) =>
    queries
      .selectFrom('memories')
      .select(['row', 'revision', 'state', 'label_set', 'author', 'source_channel', 'trust'])
      .where('row', '=', p('row')),
  );
}

/** Prepares the query for the record that has a value in a unique column. It selects what `withText` selects. */
function prepareRecord<V extends string | number>(database: Database, column: 'id' | 'row') {
  const { get } = prepareLists<{ value: V }, RecordList>(database, (p) =>
    queries
      .selectFrom('memories')
      .leftJoin('texts', 'texts.row', 'memories.row')
      .select([...recordColumns.map((each) => `memories.${each}` as const), 'texts.text'])
      .where(`memories.${column}`, '=', p('value')),
  );
  return (value: V): StoredMemoryRow | undefined => {
    const list = get({ value });
    return list && storedRowOf(list);
  };
}

/** Joins `memories` with `texts`. A tombstone has no text. */
export function withText() {
  return queries
    .selectFrom('memories')
    .leftJoin('texts', 'texts.row', 'memories.row')
    .selectAll('memories')
    .select('texts.text');
}
