import type { Database } from 'better-sqlite3';
import { prepare } from '../../sqlite/sqlite';
import { type MemoryRow, memoryRowOf, type RowChecksum, type StoredMemoryRow } from '../tables/memory-row';
import { queries } from '../tables/schema';

/** Looks up single records, and checks each against its checksum. */
export class MemoryQueries {
  readonly #rowChecksum: RowChecksum;
  readonly #byId;
  readonly #byRow;
  readonly #byKey;
  readonly #byAnyKey;

  constructor(database: Database, rowChecksum: RowChecksum) {
    this.#rowChecksum = rowChecksum;
    this.#byId = prepare<{ id: string }, StoredMemoryRow>(database, (p) =>
      withText().where('memories.id', '=', p('id')),
    );
    this.#byRow = prepare<{ row: number }, StoredMemoryRow>(database, (p) =>
      withText().where('memories.row', '=', p('row')),
    );
    this.#byAnyKey = prepare<{ label_set: number; key: string }, StoredMemoryRow>(database, (p) =>
      withText()
        .where('memories.label_set', '=', p('label_set'))
        .where('memories.key', '=', p('key'))
        .orderBy('memories.owner')
        .limit(1),
    );
    this.#byKey = prepare<{ label_set: number; owner: number; key: string }, StoredMemoryRow>(database, (p) =>
      withText()
        .where('memories.label_set', '=', p('label_set'))
        .where('memories.owner', '=', p('owner'))
        .where('memories.key', '=', p('key')),
    );
  }

  /** A record that is not forgotten, though it may be damaged. */
  unchecked(id: string): MemoryRow | undefined {
    const stored = this.#byId.get({ id });
    return stored === undefined || stored.state === 'forgotten' ? undefined : memoryRowOf(stored);
  }

  /** A record by id, or what is left of a forgotten one, though it may be damaged. */
  uncheckedOrTombstone(id: string): MemoryRow | undefined {
    const stored = this.#byId.get({ id });
    return stored && memoryRowOf(stored);
  }

  /** A record by id, or what is left of a forgotten one. */
  tombstoneOrRecord(id: string): MemoryRow | undefined {
    const stored = this.#byId.get({ id });
    return stored && this.#rowChecksum.checkedRow(stored);
  }

  byRow(row: number): MemoryRow | undefined {
    const stored = this.#byRow.get({ row });
    return stored === undefined || stored.state === 'forgotten' ? undefined : this.#rowChecksum.checkedRow(stored);
  }

  /** The same, passing over one that is damaged. */
  intactByRow(row: number): MemoryRow | undefined {
    const stored = this.#byRow.get({ row });
    const record = stored === undefined || stored.state === 'forgotten' ? undefined : memoryRowOf(stored);
    return record !== undefined && this.#rowChecksum.isIntact(record) ? record : undefined;
  }

  /** The one record with that key among those with the same labels; of any owner, the shared one or else the first owner's. */
  byKey(labelSet: number, owner: number | 'any', key: string): MemoryRow | undefined {
    const record = this.uncheckedByKey(labelSet, owner, key);
    return record && this.#rowChecksum.checked(record);
  }

  /** The same, though it may be damaged. */
  uncheckedByKey(labelSet: number, owner: number | 'any', key: string): MemoryRow | undefined {
    const stored =
      owner === 'any'
        ? this.#byAnyKey.get({ label_set: labelSet, key })
        : this.#byKey.get({ label_set: labelSet, owner, key });
    return stored && memoryRowOf(stored);
  }
}

/** `memories` with the text beside it. A forgotten record has none. */
export function withText() {
  return queries
    .selectFrom('memories')
    .leftJoin('texts', 'texts.row', 'memories.row')
    .selectAll('memories')
    .select('texts.text');
}
