import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, queriesOver } from '../sqlite/statement';
import { segmentLength } from './merkle';
import type { ChainTables } from './tables';

const queries = queriesOver<ChainTables>();

/** The segment in which an entry lies, from 0. */
export function segmentOf(seq: number): number {
  return Math.floor((seq - 1) / segmentLength);
}

/** Finds the entries in which an id occurs. Derived: what it finds is compared with the body. */
export class TouchedIds {
  readonly #insert;
  readonly #insertMany;
  readonly #find;
  readonly #drop;

  constructor(database: Database) {
    this.#insert = prepare<ChainTables['audit_touched'], unknown>(database, (p) =>
      queries
        .insertInto('audit_touched')
        .values({ segment: p('segment'), key: p('key'), seq: p('seq') })
        .onConflict((conflict) => conflict.doNothing()),
    );
    this.#insertMany = database.prepare(
      'insert or ignore into audit_touched (segment, key, seq) select ?, value, ? from json_each(?)',
    );
    this.#find = prepare<{ segment: number; keys: string }, { seq: number }>(database, (p) =>
      queries
        .selectFrom('audit_touched')
        .select('seq')
        .distinct()
        .where('segment', '=', p('segment'))
        .where(sql<boolean>`key in (select value from json_each(${p('keys')}))`),
    );
    this.#drop = prepare<{ before: number }, unknown>(database, (p) =>
      queries.deleteFrom('audit_touched').where('segment', '<', p('before')),
    );
  }

  add(seq: number, ids: readonly string[]): void {
    const [only] = ids;
    if (only === undefined) return;
    const segment = segmentOf(seq);
    if (ids.length === 1) this.#insert.run({ segment, key: keyOf(only), seq });
    else this.#insertMany.run(segment, seq, JSON.stringify(ids.map(keyOf)));
  }

  /** The entries of one segment that may hold one of the ids, in order. */
  find(segment: number, keys: string): number[] {
    return this.#find
      .all({ segment, keys })
      .map(({ seq }) => seq)
      .sort((a, b) => a - b);
  }

  dropBefore(segment: number): void {
    this.#drop.run({ before: segment });
  }
}

/** The keys of many ids, as `find` takes them. */
export function keysOf(ids: readonly string[]): string {
  return JSON.stringify([...new Set(ids.map(keyOf))]);
}

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) of 32 bits over code units, twice with different beginnings: 52 bits,
// the most that a JavaScript number holds exactly. Two ids may share a key; readers look into the bodies.
function keyOf(id: string): number {
  let low = 0x811c9dc5;
  let high = 0x01234567;
  for (let i = 0; i < id.length; i++) {
    const unit = id.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x01000193);
    high ^= low >>> 15;
  }
  return (high >>> 12) * 2 ** 32 + (low >>> 0);
}
