import type { Database } from 'better-sqlite3';
import type { MemoriesTable } from './tables/schema';

/** The columns of a memory that count. */
type CountedColumns = Pick<MemoriesTable, 'label_set' | 'kind' | 'pinned'>;

/**
 * Counts the stored memories of each label set and kind, without those that are pinned, for retentions that limit a number. As for quotas,
 * the counts are a function of the tables: they are computed from them when the first command needs them, and every later change updates them
 * in the same call of `apply`. So a store without such a retention pays nothing for them.
 */
export class StoredCounts {
  /** By label set, then by kind. */
  readonly #counts = new Map<number, Map<string, number>>();

  /** Counts what is stored. For 100,000 memories this takes about 40 milliseconds. */
  constructor(database: Database) {
    const sql = `
select label_set, kind, count(*) from memories where state <> 'forgotten' and pinned is null group by label_set, kind`;
    const lines = database.prepare(sql).raw().iterate() as IterableIterator<[number, string, number]>;
    for (const [labelSet, kind, count] of lines) this.#add(labelSet, kind, count);
  }

  /** Counts a change of a memory. `before` is absent for a new memory, `after` for a forgotten one. */
  changed(before: CountedColumns | undefined, after: CountedColumns | undefined): void {
    if (before?.pinned === null) this.#add(before.label_set, before.kind, -1);
    if (after?.pinned === null) this.#add(after.label_set, after.kind, 1);
  }

  /** The number of memories in some label sets. Without a kind it counts all kinds. */
  within(isWithin: (labelSet: number) => boolean, kind: string | undefined): number {
    let sum = 0;
    for (const [labelSet, kinds] of this.#counts) {
      if (!isWithin(labelSet)) continue;
      if (kind !== undefined) sum += kinds.get(kind) ?? 0;
      else for (const count of kinds.values()) sum += count;
    }
    return sum;
  }

  #add(labelSet: number, kind: string, difference: number): void {
    const kinds = this.#counts.get(labelSet) ?? new Map<string, number>();
    this.#counts.set(labelSet, kinds);
    kinds.set(kind, (kinds.get(kind) ?? 0) + difference);
  }
}
