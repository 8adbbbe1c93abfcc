import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, queriesOver } from '../sqlite/sqlite';
import type { ChainTables } from './audit-database';
import { type ChainHead, decodeEntry, encodeEntry, type NewChainEntry } from './chain-entry';
import { entryHash, Frontier, noHash, segmentLength, segmentOf } from './merkle';
import { RowInserter } from './row-inserter';

const queries = queriesOver<ChainTables>();

/** An entry as it is stored. The body is kept byte for byte, because the hash covers it. */
export interface StoredEntry {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly body: Buffer;
}

export type StoredSegment = ChainTables['audit_segments'];

/** The cached end of a chain: its last entry and its last, incomplete segment. */
interface ChainEnd {
  size: number;
  restoreCount: number;
  hash: Uint8Array;
  readonly frontier: Frontier;
  /** The times of the earliest and the latest entry in the incomplete segment. */
  firstAt: number;
  lastAt: number;
}

/**
 * A chain of entries in one database. The hash of each entry covers the hash of the entry before it. Entries are appended inside the
 * caller's transaction.
 */
export class AuditChain {
  readonly touched: TouchedIds;
  readonly #statements;
  readonly #insertMany: RowInserter;
  #end: ChainEnd;

  constructor(database: Database) {
    this.touched = new TouchedIds(database);
    this.#statements = chainStatements(database);
    this.#insertMany = new RowInserter(database, 'insert into audit_entries (seq, hash, body)', 3);
    this.#end = this.#readEnd();
  }

  /** The number of the last entry. It counts dropped entries too. */
  get size(): number {
    return this.#end.size;
  }

  /** How often the store was restored from a backup. */
  get restoreCount(): number {
    return this.#end.restoreCount;
  }

  /** The hash of the last entry. It covers all entries. */
  get lastHash(): Uint8Array {
    return this.#end.hash;
  }

  /** Returns the size and the Merkle root of the chain. Undefined if entries are missing, because the root is then unknown. */
  head(): ChainHead | undefined {
    const { size, frontier } = this.#end;
    return frontier.size === size ? { size, root: frontier.root() } : undefined;
  }

  /** Appends an entry and returns its number. An 'epoch' entry (a backup was opened) raises the restore count. */
  append(entry: NewChainEntry): number {
    const { seq, hash, body } = this.#link(entry);
    this.#statements.insert.run({ seq, hash, body });
    return seq;
  }

  /** Appends entries. This is faster than one call of `append` for each. */
  appendAll(entries: Iterable<NewChainEntry>): void {
    const rows: (number | string | Uint8Array)[] = [];
    for (const entry of entries) {
      const { seq, hash, body } = this.#link(entry);
      rows.push(seq, hash, body);
    }
    this.#insertMany.insert(rows);
  }

  /** Reads the entries that other processes have appended. */
  catchUp(): void {
    for (const stored of this.after(this.#end.size)) {
      this.#follow(this.#end, stored);
      if (stored.seq % segmentLength === 0) startSegment(this.#end);
    }
  }

  /** Reads the end of the chain again. Call it after a transaction was rolled back. */
  reload(): void {
    this.#end = this.#readEnd();
  }

  /** Returns the entries after a number, in ascending order. */
  after(seq: number, limit = Number.MAX_SAFE_INTEGER): StoredEntry[] {
    return this.#statements.after.all({ seq, limit });
  }

  /** Returns the entries before a number, in descending order. */
  before(seq: number, limit: number): StoredEntry[] {
    return this.#statements.before.all({ seq, limit });
  }

  /** Returns the entry with this number, or the next one if it is missing. */
  entry(seq: number): StoredEntry | undefined {
    return this.#statements.after.get({ seq: seq - 1, limit: 1 });
  }

  segments(): StoredSegment[] {
    return this.#statements.segments.all({});
  }

  /** Returns how many entries are in the leading segments in which every entry is before this time. */
  endOfSegmentsBefore(at: number): number {
    const segments = this.segments();
    const kept = segments.findIndex(({ last_at }) => last_at >= at);
    return (kept < 0 ? segments.length : kept) * segmentLength;
  }

  /** Returns the head that the chain had at the end of a segment. */
  headOfSegments(size: number): ChainHead {
    const frontier = new Frontier();
    for (const { root } of this.segments().slice(0, size / segmentLength)) frontier.pushSegment(root);
    if (frontier.size !== size) throw new RangeError(`No segment of the chain ends with entry ${size}.`);
    return { size, root: frontier.root() };
  }

  /**
   * Drops the entries up to the end of a segment, inside the caller's transaction. Returns how many were dropped. The roots of the
   * segments stay.
   */
  drop(upTo: number): number {
    const dropped = this.#statements.count.get({ seq: upTo })?.entries ?? 0;
    this.#statements.drop.run({ seq: upTo });
    this.touched.dropBefore(segmentOf(upTo) + 1);
    return dropped;
  }

  /** Makes the row of the next entry. The caller stores it in the same transaction. */
  #link(entry: NewChainEntry): { readonly seq: number; readonly hash: Buffer; readonly body: string } {
    const end = this.#end;
    const seq = end.size + 1;
    const restoreCount = entry.action === 'epoch' ? end.restoreCount + 1 : end.restoreCount;
    const body = encodeEntry(entry, seq, restoreCount);
    const hash = entryHash(end.hash, body);
    for (const [, ids] of entry.touched) this.touched.add(seq, ids);
    advance(end, { seq, hash, at: entry.at, restoreCount });
    if (seq % segmentLength === 0) this.#endSegment(seq);
    return { seq, hash, body };
  }

  #follow(end: ChainEnd, { seq, hash, body }: StoredEntry): void {
    const entry = decodeEntry(body.toString());
    advance(end, { seq, hash, at: entry?.at ?? 0, restoreCount: entry?.restoreCount ?? end.restoreCount });
    // Converts the ids to strings, because a body that was tampered with may contain other values.
    for (const [, ids] of entry?.touched ?? []) this.touched.add(seq, ids.map(String));
  }

  #endSegment(seq: number): void {
    this.touched.endSegment(segmentOf(seq));
    const { frontier, hash, firstAt, lastAt } = this.#end;
    startSegment(this.#end);
    // Entries are missing, so the root of the segment is unknown. Verification reports it.
    if (frontier.size !== seq) return;
    this.#statements.insertSegment.run({
      segment: segmentOf(seq),
      root: Buffer.from(frontier.segmentRoot()),
      hash: Buffer.from(hash),
      first_at: firstAt,
      last_at: lastAt,
    });
  }

  #readEnd(): ChainEnd {
    const segments = this.segments();
    const end: ChainEnd = {
      size: segments.length * segmentLength,
      restoreCount: 0,
      hash: segments.at(-1)?.hash ?? noHash,
      frontier: new Frontier(),
      firstAt: Number.POSITIVE_INFINITY,
      lastAt: Number.NEGATIVE_INFINITY,
    };
    for (const { root } of segments) end.frontier.pushSegment(root);
    const last = this.entry(end.size);
    if (last?.seq === end.size) end.restoreCount = decodeEntry(last.body.toString())?.restoreCount ?? 0;
    this.touched.reset();
    for (const stored of this.after(end.size)) this.#follow(end, stored);
    return end;
  }
}

function advance(
  end: ChainEnd,
  { seq, hash, at, restoreCount }: { seq: number; hash: Uint8Array; at: number; restoreCount: number },
): void {
  end.size = seq;
  // A hash that was tampered with may have another type. Verification reports it.
  end.hash = Buffer.isBuffer(hash) ? hash : noHash;
  end.restoreCount = restoreCount;
  end.frontier.push(end.hash);
  if (at < end.firstAt) end.firstAt = at;
  if (at > end.lastAt) end.lastAt = at;
}

function startSegment(end: ChainEnd): void {
  end.firstAt = Number.POSITIVE_INFINITY;
  end.lastAt = Number.NEGATIVE_INFINITY;
}

function chainStatements(database: Database) {
  // Reads bodies and hashes as bytes. After tampering, a body may be invalid UTF-8, and both may have another type.
  const asBytes = (column: 'body' | 'hash' | 'root') => sql<Buffer>`cast(${sql.ref(column)} as blob)`.as(column);
  const stored = () => queries.selectFrom('audit_entries').select(['seq', asBytes('hash'), asBytes('body')]);
  return {
    insert: prepare<ChainTables['audit_entries'], unknown>(database, (p) =>
      queries.insertInto('audit_entries').values({ seq: p('seq'), hash: p('hash'), body: p('body') }),
    ),
    insertSegment: prepare<StoredSegment, unknown>(database, (p) =>
      queries.insertInto('audit_segments').values({
        segment: p('segment'),
        root: p('root'),
        hash: p('hash'),
        first_at: p('first_at'),
        last_at: p('last_at'),
      }),
    ),
    segments: prepare<object, StoredSegment>(database, () =>
      queries
        .selectFrom('audit_segments')
        .select(['segment', asBytes('root'), asBytes('hash'), 'first_at', 'last_at'])
        .orderBy('segment'),
    ),
    after: prepare<{ seq: number; limit: number }, StoredEntry>(database, (p) =>
      stored().where('seq', '>', p('seq')).orderBy('seq').limit(p('limit')),
    ),
    before: prepare<{ seq: number; limit: number }, StoredEntry>(database, (p) =>
      stored().where('seq', '<', p('seq')).orderBy('seq', 'desc').limit(p('limit')),
    ),
    count: prepare<{ seq: number }, { entries: number }>(database, (p) =>
      queries
        .selectFrom('audit_entries')
        .select(({ fn }) => fn.countAll<number>().as('entries'))
        .where('seq', '<=', p('seq')),
    ),
    drop: prepare<{ seq: number }, unknown>(database, (p) =>
      queries.deleteFrom('audit_entries').where('seq', '<=', p('seq')),
    ),
  };
}

/** Hashes of ids, in the two forms that `TouchedIds.find` uses. */
export interface IdKeys {
  readonly keys: ReadonlySet<number>;
  readonly json: string;
}

/**
 * Finds the entries that may name an id. Ids are stored as hashes, so callers compare the results with the bodies of the entries.
 * The ids of the last, incomplete segment are only in memory. They are written together when the segment is complete, because single
 * inserts would write the same pages of the database again and again.
 */
export class TouchedIds {
  readonly #insertMany: RowInserter;
  readonly #find;
  readonly #drop;
  #open: { segment: number; keys: number[]; seqs: number[] } = { segment: 0, keys: [], seqs: [] };

  constructor(database: Database) {
    this.#insertMany = new RowInserter(database, 'insert or ignore into audit_touched (segment, key, seq)', 3);
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

  /** Forgets the ids that are in memory. */
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

  /** Writes the ids of a complete segment, inside the caller's transaction. */
  endSegment(segment: number): void {
    const { keys, seqs } = this.#open;
    if (this.#open.segment !== segment || keys.length === 0) return;
    // Sorts the rows in the order of the table, so that each page is written once.
    const order = keys.map((_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
    const rows: number[] = [];
    for (const i of order) rows.push(segment, keys[i] as number, seqs[i] as number);
    this.#insertMany.insert(rows);
  }

  /** Returns the numbers of the entries in a segment that may name one of the ids, in ascending order. */
  find(segment: number, { keys, json }: IdKeys): number[] {
    const open = this.#open;
    const written = this.#find.all({ segment, keys: json }).map(({ seq }) => seq);
    const inMemory = open.segment === segment ? open.seqs.filter((_, i) => keys.has(open.keys[i] as number)) : [];
    return [...new Set([...written, ...inMemory])].sort((a, b) => a - b);
  }

  dropBefore(segment: number): void {
    this.#drop.run({ before: segment });
  }
}

export function idKeysOf(ids: readonly string[]): IdKeys {
  const keys = new Set(ids.map(keyOf));
  return { keys, json: JSON.stringify([...keys]) };
}

// Two 32-bit FNV-1a hashes (http://www.isthe.com/chongo/tech/comp/fnv/) over UTF-16 code units, with different offset bases. 52 of
// their 64 bits are kept, because a JavaScript number holds integers up to 53 bits exactly.
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
