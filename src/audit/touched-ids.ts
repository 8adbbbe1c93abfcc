import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, queriesOver } from '../sqlite/sqlite';
import { segmentLength } from './merkle';
import type { ChainTables } from './tables';

const queries = queriesOver<ChainTables>();

/** The segment in which an entry lies, from 0. */
export function segmentOf(seq: number): number {
  return Math.floor((seq - 1) / segmentLength);
}

/**
 * Finds the entries in which an id occurs. Derived: what it finds is compared with the body. The ids of the segment that is not
 * complete are kept in memory, and written in one go when it is: row by row they would change all pages of the segment again
 * and again.
 */
export class TouchedIds {
  readonly #insertMany;
  readonly #find;
  readonly #drop;
  #open: { segment: number; keys: number[]; seqs: number[] } = { segment: 0, keys: [], seqs: [] };

  constructor(database: Database) {
    // In the order of the table, so that each page is written once.
    this.#insertMany = database.prepare(
      `insert or ignore into audit_touched (segment, key, seq)
       select ?, value ->> 0, value ->> 1 from json_each(?)`,
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

  /** Begins anew with what follows: the first entries of a segment that is not complete. */
  reset(): void {
    this.#open = { segment: 0, keys: [], seqs: [] };
  }

  add(seq: number, ids: readonly string[]): void {
    const segment = segmentOf(seq);
    if (this.#open.segment !== segment) this.#open = { segment, keys: [], seqs: [] };
    for (const id of ids) {
      this.#open.keys.push(keyOf(id));
      this.#open.seqs.push(seq);
    }
  }

  /** Writes down the ids of a segment that is complete, inside the caller's transaction. */
  endSegment(segment: number): void {
    const { keys, seqs } = this.#open;
    if (this.#open.segment !== segment || keys.length === 0) return;
    const rows = keys.map((key, i) => [key, seqs[i] as number] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    this.#insertMany.run(segment, JSON.stringify(rows));
  }

  /** The entries of one segment that may hold one of the ids, in order. */
  find(segment: number, { keys, json }: Keys): number[] {
    const { segment: open, keys: held, seqs } = this.#open;
    const found = this.#find.all({ segment, keys: json }).map(({ seq }) => seq);
    const waiting = open === segment ? seqs.filter((_, i) => keys.has(held[i] as number)) : [];
    return [...new Set([...found, ...waiting])].sort((a, b) => a - b);
  }

  dropBefore(segment: number): void {
    this.#drop.run({ before: segment });
  }
}

/** The keys of many ids, as `find` takes them. */
export interface Keys {
  readonly keys: ReadonlySet<number>;
  readonly json: string;
}

export function keysOf(ids: readonly string[]): Keys {
  const keys = new Set(ids.map(keyOf));
  return { keys, json: JSON.stringify([...keys]) };
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
