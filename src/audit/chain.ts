import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import { prepare, queriesOver } from '../sqlite/sqlite';
import { type ChainEntry, type ChainHead, decodeEntry, encodeEntry } from './chain-entry';
import { entryHash, Frontier, noHash, segmentLength } from './merkle';
import type { ChainTables } from './tables';
import { segmentOf, TouchedIds } from './touched-ids';

const queries = queriesOver<ChainTables>();

/** An entry as it is stored: what the hash covers, byte for byte. */
export interface StoredEntry {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly body: Buffer;
}

export type StoredSegment = ChainTables['audit_segments'];

/** An entry before it has its place in the chain. */
export type Fact = Omit<ChainEntry, 'seq' | 'life'>;

interface End {
  size: number;
  life: number;
  hash: Uint8Array;
  readonly frontier: Frontier;
  /** The times of the segment that is not complete. */
  firstAt: number;
  lastAt: number;
}

/** A chain of entries in one database: appended to inside the caller's transaction, and otherwise only read. */
export class AuditChain {
  readonly touched: TouchedIds;
  readonly #statements;
  #end: End;

  constructor(database: Database) {
    this.touched = new TouchedIds(database);
    this.#statements = prepareAll(database);
    this.#end = this.#readEnd();
  }

  /** How many entries were ever appended: the number of the last one. */
  get size(): number {
    return this.#end.size;
  }

  /** How often the store was restored. */
  get life(): number {
    return this.#end.life;
  }

  /** Undefined where entries are missing, so that no root can be given. */
  head(): ChainHead | undefined {
    const { size, frontier } = this.#end;
    return frontier.size === size ? { size, root: frontier.root() } : undefined;
  }

  /** Appends an entry, and answers with its number. Life begins anew with an 'epoch'. */
  append(fact: Fact): number {
    const end = this.#end;
    const seq = end.size + 1;
    const life = fact.action === 'epoch' ? end.life + 1 : end.life;
    const body = encodeEntry(fact, seq, life);
    const hash = entryHash(end.hash, body);
    this.#statements.insert.run({ seq, hash, body });
    for (const [, ids] of fact.touched) this.touched.add(seq, ids);
    follow(end, { seq, hash, at: fact.at, life });
    if (seq % segmentLength === 0) this.#endSegment(seq);
    return seq;
  }

  /** Follows what another process has appended. */
  catchUp(): void {
    for (const stored of this.after(this.#end.size)) {
      this.#take(this.#end, stored);
      if (stored.seq % segmentLength === 0) startSegment(this.#end);
    }
  }

  /** Reads again where the chain ends: after a transaction that was rolled back. */
  reload(): void {
    this.#end = this.#readEnd();
  }

  /** Entries after a number, in order. */
  after(seq: number, limit = Number.MAX_SAFE_INTEGER): StoredEntry[] {
    return this.#statements.after.all({ seq, limit });
  }

  /** Entries before a number, the latest first. */
  before(seq: number, limit: number): StoredEntry[] {
    return this.#statements.before.all({ seq, limit });
  }

  entry(seq: number): StoredEntry | undefined {
    return this.#statements.after.get({ seq: seq - 1, limit: 1 });
  }

  segments(): StoredSegment[] {
    return this.#statements.segments.all({});
  }

  /** The end of the last whole segment of which every entry is older than that: 0 where there is none. */
  endOfSegmentsBefore(at: number): number {
    const segments = this.segments();
    const kept = segments.findIndex(({ last_at }) => last_at >= at);
    return (kept < 0 ? segments.length : kept) * segmentLength;
  }

  /** The head of the chain as it was at the end of a segment. */
  headOfSegments(size: number): ChainHead {
    const frontier = new Frontier();
    for (const { root } of this.segments().slice(0, size / segmentLength)) frontier.pushSegment(root);
    if (frontier.size !== size) throw new RangeError(`The chain has no segment that ends with ${size}.`);
    return { size, root: frontier.root() };
  }

  /** Drops the entries up to the end of a segment, inside the caller's transaction. The roots of their segments stay. */
  drop(upTo: number): number {
    const dropped = this.#statements.count.get({ seq: upTo })?.entries ?? 0;
    this.#statements.drop.run({ seq: upTo });
    this.touched.dropBefore(segmentOf(upTo) + 1);
    return dropped;
  }

  /** Follows an entry that is stored already. */
  #take(end: End, { seq, hash, body }: StoredEntry): void {
    const entry = decodeEntry(body.toString());
    follow(end, { seq, hash, at: entry?.at ?? 0, life: entry?.life ?? end.life });
    // Of an entry that was tampered with they may be anything.
    for (const [, ids] of entry?.touched ?? []) this.touched.add(seq, ids.map(String));
  }

  #endSegment(seq: number): void {
    this.touched.endSegment(segmentOf(seq));
    const { frontier, hash, firstAt, lastAt } = this.#end;
    startSegment(this.#end);
    // Where entries are missing there is no subtree: verification will say so.
    if (frontier.size !== seq) return;
    const root = Buffer.from(frontier.segmentRoot());
    const times = { first_at: firstAt, last_at: lastAt };
    this.#statements.insertSegment.run({ segment: segmentOf(seq), root, hash: Buffer.from(hash), ...times });
  }

  #readEnd(): End {
    const segments = this.segments();
    const last = segments.at(-1);
    const end: End = {
      ...{ size: segments.length * segmentLength, life: 0, hash: last?.hash ?? noHash, frontier: new Frontier() },
      ...{ firstAt: Number.POSITIVE_INFINITY, lastAt: Number.NEGATIVE_INFINITY },
    };
    for (const { root } of segments) end.frontier.pushSegment(root);
    const lastBefore = this.entry(end.size);
    if (lastBefore?.seq === end.size) end.life = decodeEntry(lastBefore.body.toString())?.life ?? 0;
    this.touched.reset();
    for (const stored of this.after(end.size)) this.#take(end, stored);
    return end;
  }
}

function follow(end: End, { seq, hash, at, life }: { seq: number; hash: Uint8Array; at: number; life: number }): void {
  end.size = seq;
  // Of an entry that was tampered with it may be anything: verification will say so.
  end.hash = Buffer.isBuffer(hash) ? hash : noHash;
  end.life = life;
  end.frontier.push(end.hash);
  if (at < end.firstAt) end.firstAt = at;
  if (at > end.lastAt) end.lastAt = at;
}

function startSegment(end: End): void {
  end.firstAt = Number.POSITIVE_INFINITY;
  end.lastAt = Number.NEGATIVE_INFINITY;
}

function prepareAll(database: Database) {
  // As bytes: a text that was tampered with need not be one.
  const stored = () =>
    queries.selectFrom('audit_entries').select(['seq', 'hash', sql<Buffer>`cast(body as blob)`.as('body')]);
  return {
    insert: prepare<ChainTables['audit_entries'], unknown>(database, (p) =>
      queries.insertInto('audit_entries').values({ seq: p('seq'), hash: p('hash'), body: p('body') }),
    ),
    insertSegment: prepare<StoredSegment, unknown>(database, (p) =>
      queries.insertInto('audit_segments').values({
        ...{ segment: p('segment'), root: p('root'), hash: p('hash') },
        ...{ first_at: p('first_at'), last_at: p('last_at') },
      }),
    ),
    segments: prepare<object, StoredSegment>(database, () =>
      queries.selectFrom('audit_segments').selectAll().orderBy('segment'),
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
