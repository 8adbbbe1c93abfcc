import type { Database, Statement } from 'better-sqlite3';
import { sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Interning } from '../tables/interning';
import { type MemoryRow, textOf } from '../tables/memory-row';
import { queries } from '../tables/schema';
import type { FilterPart } from './filter-facts';
import { type FilterLookups, filterCondition } from './filter-sql';
import { type CompiledSelection, ReadableMasks, selectionCondition } from './selection-sql';

export interface Page {
  readonly orderBy: 'createdAt' | 'validFrom';
  readonly order: 'newest' | 'oldest';
  readonly limit: number;
  /** The last item of the previous page. */
  readonly after: { readonly at: number; readonly id: string } | undefined;
}

/** A row of a page: its number, and where it stands in the order of the page. */
export interface PageRow {
  readonly row: number;
  readonly id: string;
  readonly at: number;
}

/** The rows after one and up to another. */
interface RowSlice {
  readonly after: number;
  readonly upTo: number;
}

/** A row with the results of the parts of a filter. Undefined for parts about the text or metadata. */
export interface SlicedRow {
  readonly row: number;
  readonly changeSeq: number;
  /** The metadata as JSON if a part is about metadata and it is short; else null. */
  readonly metadata: string | null;
  /** The text if a part is about the text and it is short; else null. */
  readonly text: string | null;
  readonly results: readonly (boolean | undefined)[];
}

type SlicedColumns = { row: number; change_seq: number; metadata: string | null; text: string | Buffer | null } & {
  [part: `part${number}`]: 0 | 1 | null;
};

// Longer texts and metadata are read row by row, so that a slice of many rows stays small.
const maxSlicedBytes = 2_000;

// The prepared statements that are kept have at most so many letters of SQL together. A query with a usual filter has some 1,000.
const maxStatementLetters = 64_000;

/** What decides with which others a memory is consolidated. */
export type SourceColumns = Pick<
  MemoryRow,
  | ('row' | 'id' | 'revision' | 'state' | 'label_set' | 'owner' | 'author' | 'kind' | 'user_id' | 'session_id' | 'key')
  | (
      | 'source_channel'
      | 'metadata'
      | 'created_at'
      | 'valid_from'
      | 'valid_to'
      | 'expires_at'
      | 'trust'
      | 'pinned'
      | 'chunks'
    )
> & {
  /** The length of the text as it is stored. */
  readonly bytes: number;
};

type LabelledRow = Pick<MemoryRow, 'row' | 'id' | 'label_set' | 'owner' | 'author'>;

interface CompiledQuery {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** Evaluates selections (a scope with a filter and the caller's access) in SQLite. */
export class SelectionQueries {
  readonly #database: Database;
  readonly #interning: Interning;
  readonly #masks: ReadableMasks;
  readonly #statements = new LRUCache<string, Statement>({
    maxSize: maxStatementLetters,
    sizeCalculation: (_, text) => text.length,
  });

  constructor(database: Database, deps: { interning: Interning }) {
    this.#database = database;
    this.#interning = deps.interning;
    this.#masks = new ReadableMasks(database, deps.interning);
  }

  /** Reads the rows that match a selection, in ascending order. */
  rows(selection: CompiledSelection): number[] {
    const query = queries
      .selectFrom('memories')
      .select('memories.row')
      .where(selectionCondition(selection, this.#interning))
      .orderBy('memories.row');
    return this.#pluck(selection, query.compile());
  }

  /** Selects those of some rows that match a selection. */
  among(selection: CompiledSelection, rows: readonly number[]): number[] {
    const query = queries
      .selectFrom('memories')
      .select('memories.row')
      .where(sql<boolean>`memories.row in (select value from json_each(${JSON.stringify(rows)}))`)
      .where(selectionCondition(selection, this.#interning));
    return this.#pluck(selection, query.compile());
  }

  /** Reads the ids and labels of the memories that match a selection, in the order of their rows. */
  labels(selection: CompiledSelection): LabelledRow[] {
    const query = queries
      .selectFrom('memories')
      .select(['memories.row', 'memories.id', 'memories.label_set', 'memories.owner', 'memories.author'])
      .where(selectionCondition(selection, this.#interning))
      .orderBy('memories.row');
    return this.#all(selection, query.compile());
  }

  /** Reads what decides about the consolidation of memories, for a slice of the rows that match a selection. Metadata is '{}' or 'some'. */
  sources(selection: CompiledSelection, { after, upTo }: RowSlice): SourceColumns[] {
    const query = queries
      .selectFrom('memories')
      .innerJoin('texts', 'texts.row', 'memories.row')
      .select([
        'memories.row',
        'memories.id',
        'revision',
        'label_set',
        'owner',
        'author',
        'kind',
        'user_id',
        'session_id',
      ])
      .select([
        'key',
        'source_channel',
        'created_at',
        'valid_from',
        'valid_to',
        'expires_at',
        'trust',
        'pinned',
        'chunks',
      ])
      .select(sql<string>`(case when memories.metadata = '{}' then '{}' else 'some' end)`.as('metadata'))
      .select(sql<number>`octet_length(texts.text)`.as('bytes'))
      .where('memories.row', '>', after)
      .where('memories.row', '<=', upTo)
      .where(selectionCondition(selection, this.#interning))
      .orderBy('memories.row');
    return this.#all(selection, query.compile());
  }

  /** Evaluates the parts of a filter about fields for a slice of the rows that match a selection. */
  slice(selection: CompiledSelection, parts: readonly FilterPart[], { after, upTo }: RowSlice): SlicedRow[] {
    const lookups: FilterLookups = {
      links: { supersedes: sql`null`, supersededBy: sql`null` },
      findNamespace: (namespace) => this.#interning.findNamespace(namespace),
    };
    const results = parts.map(({ about, node }, i) => {
      const result = about === 'fields' ? filterCondition(node, lookups) : sql`null`;
      return sql<0 | 1 | null>`${result}`.as(`part${i}`);
    });
    const none = sql<string | null>`null`;
    const hasPartAbout = (about: FilterPart['about']) => parts.some((part) => part.about === about);
    const short = (column: 'memories.metadata' | 'texts.text') =>
      sql<string | null>`(case when octet_length(${sql.ref(column)}) <= ${maxSlicedBytes} then ${sql.ref(column)} end)`;
    let query = queries
      .selectFrom('memories')
      .select(['memories.row', 'memories.change_seq', ...results])
      .select((hasPartAbout('metadata') ? short('memories.metadata') : none).as('metadata'))
      .select((hasPartAbout('text') ? short('texts.text') : none).as('text'));
    if (hasPartAbout('text')) query = query.leftJoin('texts', 'texts.row', 'memories.row') as typeof query;
    query = query
      .where('memories.row', '>', after)
      .where('memories.row', '<=', upTo)
      .where(selectionCondition(selection, this.#interning));
    const lines = this.#all<SlicedColumns>(selection, query.compile());
    return lines.map(({ row, change_seq: changeSeq, metadata, text, ...line }) => ({
      row,
      changeSeq,
      metadata,
      text: text === null ? null : textOf(text).toWellFormed(),
      results: parts.map(({ about }, i) => (about === 'fields' ? line[`part${i}`] === 1 : undefined)),
    }));
  }

  /** The rows of one page, without their contents. */
  page(given: CompiledSelection, page: Page): PageRow[] {
    const selection = { ...given, candidates: () => candidates };
    const candidates = this.#fewCandidates(given, page.limit);
    const column = page.orderBy === 'createdAt' ? 'memories.created_at' : 'memories.valid_from';
    // With a plus sign, SQLite sorts the candidates. Else it may go through all memories in their order to find them.
    const ordered = candidates === undefined ? sql<number>`${sql.ref(column)}` : sql<number>`+${sql.ref(column)}`;
    const direction = page.order === 'newest' ? 'desc' : 'asc';
    let query = queries
      .selectFrom('memories')
      .select(['memories.row', 'memories.id', sql<number>`${sql.ref(column)}`.as('at')])
      .where(selectionCondition(selection, this.#interning))
      .orderBy(ordered, direction)
      .orderBy('memories.id', direction)
      .limit(page.limit);
    if (page.after !== undefined) {
      const { at, id } = page.after;
      const beyond = page.order === 'newest' ? sql`<` : sql`>`;
      query = query.where(sql<boolean>`(${ordered}, memories.id) ${beyond} (${at}, ${id})`);
    }
    return this.#all(selection, query.compile());
  }

  /**
   * The candidates of a selection, unless it probably takes less time to go through the memories in their order until a page is full: if
   * the candidates are spread evenly, about `limit * last / candidates` memories.
   */
  #fewCandidates(selection: CompiledSelection, limit: number): Uint32Array | undefined {
    const candidates = selection.candidates();
    if (candidates === undefined) return undefined;
    const last = this.#prepared('select max(row) from memories').pluck().get() as number;
    return candidates.length ** 2 <= 4 * limit * last ? candidates : undefined;
  }

  count(selection: CompiledSelection): number {
    const query = queries
      .selectFrom('memories')
      .select(({ fn }) => fn.countAll().as('count'))
      .where(selectionCondition(selection, this.#interning));
    return this.#pluck(selection, query.compile())[0] as number;
  }

  /** Counts the matching memories for each label set. */
  countByLabelSet(selection: CompiledSelection): { label_set: number; count: number }[] {
    const query = queries
      .selectFrom('memories')
      .select(({ fn }) => ['memories.label_set', fn.countAll<number>().as('count')])
      .where(selectionCondition(selection, this.#interning))
      .groupBy('memories.label_set');
    return this.#all(selection, query.compile());
  }

  #all<R>(selection: CompiledSelection, { sql: text, parameters }: CompiledQuery): R[] {
    return this.#masks.during(
      selection,
      () =>
        this.#prepared(text)
          .pluck(false)
          .all(...parameters) as R[],
    );
  }

  #pluck(selection: CompiledSelection, { sql: text, parameters }: CompiledQuery): number[] {
    const statement = this.#prepared(text).pluck();
    return this.#masks.during(selection, () => statement.all(...parameters) as number[]);
  }

  // Preparing a statement takes longer than running it for a few rows, and calls differ mostly in bound values.
  #prepared(text: string): Statement {
    const statement = this.#statements.get(text) ?? this.#database.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}
