import { createHmac } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
import { isUint8Array } from '../../domain/realms';
import type { Checksum } from './checksum';
import type { Tables } from './schema';
import type { StoreMeta } from './store-meta';

/** The tables whose rows are the names that the numbers in memories stand for. */
export type NameTable = 'namespaces' | 'label_sets' | 'actors' | 'spaces';

/** A row in one of these tables. */
export interface NamePlace {
  readonly table: NameTable;
  readonly id: number;
}

type Unsealed<T> = Omit<T, 'checksum'>;

/**
 * Computes the checksums of names. SQLite's integrity check does not notice a flipped byte, and a flipped byte in the name of a namespace
 * or an author would show memories to the wrong readers.
 *
 * Records refer to a name by its number and its alias, and their checksums cover no names. So a name can be changed or erased, and only
 * its own row changes.
 */
export class NameChecksum {
  readonly #checksum: Checksum;

  constructor(checksum: Checksum) {
    this.#checksum = checksum;
  }

  /** @param parentAlias The alias of the parent. If the parent's number stands for another namespace, the alias differs, too. */
  ofNamespace({ id, parent, label, alias }: Unsealed<Tables['namespaces']>, parentAlias: number): string {
    return this.#of('namespaces', id, parent, parentAlias, label, alias);
  }

  ofLabelSet({ id, namespace, access_tags, alias }: Unsealed<Tables['label_sets']>, namespaceAlias: number): string {
    return this.#of('label_sets', id, namespace, namespaceAlias, access_tags, alias);
  }

  ofActor({ id, kind, name, on_behalf_of, alias }: Unsealed<Tables['actors']>): string {
    return this.#of('actors', id, kind, name, on_behalf_of, alias);
  }

  /** Does not cover how the store uses the space, because that changes. */
  ofSpace({ id, model, dimensions, normalized }: Omit<Tables['spaces'], 'checksum' | 'role' | 'change_seq'>): string {
    return this.#of('spaces', id, model, dimensions, normalized);
  }

  #of(table: NameTable, ...values: readonly unknown[]): string {
    return this.#checksum.ofText(JSON.stringify([table, ...values]));
  }
}

/**
 * Computes the alias of a new name: 32 bits that say nothing about the name. A number that is used again after the loss of some pages
 * stands for another name, and its alias differs.
 *
 * @param seed The random bytes of the command that needs the name.
 */
export function aliasOf(seed: Uint8Array, { table, id }: NamePlace): number {
  return createHmac('sha256', seed).update(`alias of ${id} in ${table}`).digest().readUInt32LE();
}

/** The alias of the root namespace, which has no row. */
export const rootAlias = 0;

// More than any limit allows.
const maxNameBytes = 2 ** 24;
const nameColumns: readonly [NameTable, string][] = [
  ['namespaces', 'label'],
  ['label_sets', 'access_tags'],
  ['actors', 'kind'],
  ['actors', 'name'],
  ['actors', 'on_behalf_of'],
  ['spaces', 'model'],
];
const sealColumns: readonly [NameTable, string][] = [
  ['namespaces', 'alias'],
  ['namespaces', 'checksum'],
  ['label_sets', 'alias'],
  ['label_sets', 'checksum'],
  ['actors', 'alias'],
  ['actors', 'checksum'],
  ['spaces', 'checksum'],
];

/**
 * Checks the types and lengths of names before they are read: a text that is longer than a string of V8 would end the process.
 *
 * @param known Up to which number the names of each table were checked before.
 * @throws RECORD_DAMAGED
 */
export function assertNames(database: Database, known: Readonly<Record<NameTable, number>>): void {
  const assertNone = ([table, column]: readonly [NameTable, string], isFault: string) => {
    const sql = `select 1 from ${table} where id > ? and ${isFault} limit 1`;
    if (database.prepare(sql).get(known[table], maxNameBytes) === undefined) return;
    const message = `The database is damaged: a ${column} in the table ${table} is not a name. Restore the folder from a backup.`;
    throw new MemoryError('RECORD_DAMAGED', message);
  };
  for (const each of nameColumns) {
    assertNone(each, `not (typeof(${each[1]}) = 'text' and octet_length(${each[1]}) <= ?)`);
  }
  for (const each of sealColumns) assertNone(each, `octet_length(${each[1]}) > ?`);
}

/** A row with the checksum that it should have. */
interface CheckedName extends NamePlace {
  readonly stored: string | null;
  readonly expected: string;
}

function* checkedNames(database: Database, checksum: Checksum): Generator<CheckedName> {
  const names = new NameChecksum(checksum);
  const rows = <T extends NameTable>(table: T) =>
    database.prepare(`select * from ${table} order by id`).all() as Tables[T][];
  const aliases = new Map([[0, rootAlias]]);
  const aliasAt = (namespace: number) => aliases.get(namespace) ?? rootAlias;
  for (const row of rows('namespaces')) {
    aliases.set(row.id, row.alias);
    const expected = names.ofNamespace(row, aliasAt(row.parent));
    yield { table: 'namespaces', id: row.id, stored: row.checksum, expected };
  }
  for (const row of rows('label_sets')) {
    const expected = names.ofLabelSet(row, aliasAt(row.namespace));
    yield { table: 'label_sets', id: row.id, stored: row.checksum, expected };
  }
  for (const row of rows('actors')) {
    yield { table: 'actors', id: row.id, stored: row.checksum, expected: names.ofActor(row) };
  }
  for (const row of rows('spaces')) {
    yield { table: 'spaces', id: row.id, stored: row.checksum, expected: names.ofSpace(row) };
  }
}

/** Finds the names in the tables that do not match their checksums. */
export function damagedNames(database: Database, checksum: Checksum): NamePlace[] {
  return [...checkedNames(database, checksum)].flatMap(({ table, id, stored, expected }) =>
    stored === expected ? [] : [{ table, id }],
  );
}

/** Gives all names the checksums of their present values, except names that are damaged. */
export function resealNames(database: Database, checksum: Checksum, damaged: readonly NamePlace[] = []): void {
  const isDamaged = new Set(damaged.map(({ table, id }) => `${table} ${id}`));
  for (const { table, id, stored, expected } of [...checkedNames(database, checksum)]) {
    if (stored === expected || isDamaged.has(`${table} ${id}`)) continue;
    database.prepare(`update ${table} set checksum = ? where id = ?`).run(expected, id);
  }
}

const sealedKey = 'names_sealed';

/** Whether the names of a store have their own checksums, so that `sealNames` has nothing to do. */
export function areNamesSealed(meta: StoreMeta): boolean {
  return meta.get(sealedKey) !== undefined;
}

/**
 * Gives the names of a store from an earlier release their aliases and checksums. Its records keep their checksums, which cover the names
 * themselves, until they change. All peers give the same aliases, because they have the same secret.
 */
export function sealNames(database: Database, meta: StoreMeta, checksum: Checksum): void {
  if (areNamesSealed(meta)) return;
  const run = database.transaction(() => {
    assertNames(database, { namespaces: 0, label_sets: 0, actors: 0, spaces: 0 });
    const storeKey = meta.get('store_key');
    const seed = isUint8Array(storeKey) ? storeKey : new Uint8Array();
    for (const table of ['namespaces', 'label_sets', 'actors'] as const) {
      const update = database.prepare(`update ${table} set alias = ? where id = ?`);
      const ids = database.prepare(`select id from ${table}`).pluck().all() as number[];
      for (const id of ids) update.run(aliasOf(seed, { table, id }), id);
    }
    resealNames(database, checksum);
    meta.put(sealedKey, 1);
  });
  run.immediate();
}
