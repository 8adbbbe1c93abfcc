import type { Database } from 'better-sqlite3';
import { normalName } from '../../domain/names';
import { canonicalTags } from './interning';
import type { Tables } from './schema';

/** The numbers for the values of one table. */
export interface Renumbering {
  /** The number to use in place of each number. */
  readonly numbers: ReadonlyMap<number, number>;
  /** The numbers whose value is different now, or that others replace. */
  readonly changed: ReadonlySet<number>;
}

type Namespaces = Tables['namespaces'];
type LabelSets = Tables['label_sets'];
type Actors = Tables['actors'];

/**
 * Converts the names in the tables of numbers to their normal form. Values that become equal get the lowest of their numbers. Their other
 * numbers stay in the tables, because numbers have no gaps and are never reused, but each stands for an old form, which no input has any
 * more. Rows that use these numbers are left to the caller.
 */
export function mergeNormalNames(database: Database): { labelSets: Renumbering; actors: Renumbering } {
  const all = <T>(table: string) => database.prepare(`select * from ${table} order by id`).all() as T[];
  const namespaces = merge(all<Namespaces>('namespaces'), ({ parent, label, ...each }, { numberOf, isChanged }) => ({
    row: { ...each, parent: numberOf(parent), label: normalName(label) },
    key: JSON.stringify([numberOf(parent), normalName(label)]),
    isChanged: isChanged(parent) || label !== normalName(label),
  }));
  const ofNamespace = (id: number) => namespaces.numbers.get(id) ?? id;
  const labelSets = merge(all<LabelSets>('label_sets'), ({ namespace, access_tags: tags, ...each }) => {
    const row = { ...each, namespace: ofNamespace(namespace), access_tags: normalTags(tags) };
    const isChanged = namespaces.changed.has(namespace) || row.access_tags !== tags;
    return { row, key: JSON.stringify([row.namespace, row.access_tags]), isChanged };
  });
  const actors = merge(all<Actors>('actors'), (actor) => {
    const row = { ...actor, name: normalName(actor.name), on_behalf_of: normalName(actor.on_behalf_of) };
    const isChanged = row.name !== actor.name || row.on_behalf_of !== actor.on_behalf_of;
    return { row, key: JSON.stringify([row.kind, row.name, row.on_behalf_of]), isChanged };
  });
  replaceRows(database, 'namespaces', ['id', 'parent', 'label', 'alias', 'checksum'], namespaces);
  replaceRows(database, 'label_sets', ['id', 'namespace', 'access_tags', 'alias', 'checksum'], labelSets);
  replaceRows(database, 'actors', ['id', 'kind', 'name', 'on_behalf_of', 'alias', 'checksum'], actors);
  return { labelSets, actors };
}

function normalTags(json: string): string {
  return json === normalName(json) ? json : canonicalTags((JSON.parse(json) as string[]).map(normalName));
}

interface Converted<T> {
  readonly row: T;
  /** Equal for equal values. */
  readonly key: string;
  /** Whether the value itself is different now. */
  readonly isChanged: boolean;
}

/** What is known about earlier rows of the same table. The number 0 stands for the root namespace. */
interface Earlier {
  numberOf(id: number): number;
  isChanged(id: number): boolean;
}

function merge<T extends { id: number; alias: number }>(
  rows: readonly T[],
  convert: (row: T, earlier: Earlier) => Converted<T>,
) {
  const numbers = new Map<number, number>([[0, 0]]);
  const changed = new Set<number>();
  const firstByKey = new Map<string, T>();
  const earlier: Earlier = { numberOf: (id) => numbers.get(id) ?? id, isChanged: (id) => changed.has(id) };
  const merged = rows.map((each) => {
    const { row, key, isChanged } = convert(each, earlier);
    const first = firstByKey.get(key);
    numbers.set(each.id, first?.id ?? each.id);
    if (isChanged || first !== undefined) changed.add(each.id);
    // The old forms only swap places, so they stay unique.
    if (first !== undefined) return areSame(row, each) ? { ...first, id: each.id, alias: each.alias } : each;
    firstByKey.set(key, each);
    return row;
  });
  return { numbers, changed, rows: merged };
}

function areSame<T extends object>(one: T, other: T): boolean {
  return Object.entries(one).every(([column, value]) => other[column as keyof T] === value);
}

function replaceRows<T>(
  database: Database,
  table: string,
  columns: readonly (keyof T & string)[],
  { rows, changed }: { rows: readonly T[]; changed: ReadonlySet<number> },
): void {
  if (changed.size === 0) return;
  database.exec(`delete from ${table}`);
  const insert = database.prepare(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map((column) => `@${column}`).join(', ')})`,
  );
  for (const row of rows) insert.run(row);
}
