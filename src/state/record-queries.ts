import type { Database } from 'better-sqlite3';
import { prepare } from '../sqlite/statement';
import { queries } from './queries';
import { type Record, recordOf, type StoredRecord } from './record';
import type { RecordSeal } from './record-seal';

/** Looks up single records, and checks each against its checksum. */
export class RecordQueries {
  readonly #seal: RecordSeal;
  readonly #byId;
  readonly #byRow;
  readonly #byKey;
  readonly #byAnyKey;
  readonly #rowOf;

  constructor(database: Database, seal: RecordSeal) {
    this.#seal = seal;
    this.#byId = prepare<{ id: string }, StoredRecord>(database, (p) => withText().where('memories.id', '=', p('id')));
    this.#byRow = prepare<{ row: number }, StoredRecord>(database, (p) =>
      withText().where('memories.row', '=', p('row')),
    );
    this.#rowOf = prepare<{ id: string }, { row: number }>(database, (p) =>
      queries.selectFrom('memories').select('row').where('id', '=', p('id')),
    );
    this.#byAnyKey = prepare<{ scope: number; key: string }, StoredRecord>(database, (p) =>
      withText()
        .where('memories.scope', '=', p('scope'))
        .where('memories.key', '=', p('key'))
        .orderBy('memories.owner')
        .limit(1),
    );
    this.#byKey = prepare<{ scope: number; owner: number; key: string }, StoredRecord>(database, (p) =>
      withText()
        .where('memories.scope', '=', p('scope'))
        .where('memories.owner', '=', p('owner'))
        .where('memories.key', '=', p('key')),
    );
  }

  /** A record that is not forgotten, though it may be damaged. */
  unchecked(id: string): Record | undefined {
    const stored = this.#byId.get({ id });
    return stored === undefined || stored.state === 'forgotten' ? undefined : recordOf(stored);
  }

  /** A record by id, or what is left of a forgotten one, though it may be damaged. */
  uncheckedOrTombstone(id: string): Record | undefined {
    const stored = this.#byId.get({ id });
    return stored && recordOf(stored);
  }

  /** A record by id, or what is left of a forgotten one. */
  tombstoneOrRecord(id: string): Record | undefined {
    const stored = this.#byId.get({ id });
    return stored && this.#seal.open(stored);
  }

  /** Whether a memory has, or ever had, that id. */
  isTaken(id: string): boolean {
    return this.#rowOf.get({ id }) !== undefined;
  }

  byRow(row: number): Record | undefined {
    const stored = this.#byRow.get({ row });
    return stored === undefined || stored.state === 'forgotten' ? undefined : this.#seal.open(stored);
  }

  /** The same, passing over one that is damaged. */
  intactByRow(row: number): Record | undefined {
    const stored = this.#byRow.get({ row });
    const record = stored === undefined || stored.state === 'forgotten' ? undefined : recordOf(stored);
    return record !== undefined && this.#seal.isIntact(record) ? record : undefined;
  }

  /** The one record with that key among those with the same labels; of any owner, the shared one or else the first owner's. */
  byKey(scope: number, owner: number | 'any', key: string): Record | undefined {
    const record = this.uncheckedByKey(scope, owner, key);
    return record && this.#seal.opened(record);
  }

  /** The same, though it may be damaged. */
  uncheckedByKey(scope: number, owner: number | 'any', key: string): Record | undefined {
    const stored = owner === 'any' ? this.#byAnyKey.get({ scope, key }) : this.#byKey.get({ scope, owner, key });
    return stored && recordOf(stored);
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
