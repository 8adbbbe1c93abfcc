import type { Database } from 'better-sqlite3';
import { type RawBuilder, sql } from 'kysely';
import type { Readable } from '../access/compile';
import type { Interning } from './interning';
import { queries } from './queries';
import { ReadableMasks } from './readable-masks';
import type { Record, StoredRecord } from './record';
import { withText } from './record-queries';
import type { RecordSeal } from './record-seal';
import { readableCondition, type Selected, selectedCondition } from './selection-sql';

export interface Page {
  readonly orderBy: 'createdAt' | 'validFrom';
  readonly order: 'newest' | 'oldest';
  readonly limit: number;
  /** The last item of the page before. */
  readonly after?: { readonly at: number; readonly id: string };
}

type LabelledRow = Pick<Record, 'id' | 'scope' | 'owner' | 'author'>;

/** Answers exact questions about many memories, by SQLite alone. */
export class SelectionQueries {
  readonly #database: Database;
  readonly #interning: Interning;
  readonly #seal: RecordSeal;
  readonly #masks: ReadableMasks;

  constructor(database: Database, parts: { interning: Interning; seal: RecordSeal }) {
    this.#database = database;
    this.#interning = parts.interning;
    this.#seal = parts.seal;
    this.#masks = new ReadableMasks(database);
  }

  /** The rows of a selection, ascending. */
  rows(readable: Readable, selected: Selected, now: number): number[] {
    const query = queries
      .selectFrom('memories')
      .select('memories.row')
      .where(this.#condition(readable, selected, now))
      .orderBy('memories.row');
    return this.#masks.lend(readable, selected, () => this.#pluck(query.compile()));
  }

  /** The labels of a selection's memories, in the order of their rows. */
  labelled(readable: Readable, selected: Selected, now: number): LabelledRow[] {
    const { sql: text, parameters } = queries
      .selectFrom('memories')
      .select(['memories.id', 'memories.scope', 'memories.owner', 'memories.author'])
      .where(this.#condition(readable, selected, now))
      .orderBy('memories.row')
      .compile();
    return this.#masks.lend(readable, selected, () => this.#database.prepare(text).all(...parameters) as LabelledRow[]);
  }

  page(readable: Readable, selected: Selected, now: number, page: Page): Record[] {
    const column = page.orderBy === 'createdAt' ? 'memories.created_at' : 'memories.valid_from';
    const direction = page.order === 'newest' ? 'desc' : 'asc';
    let query = withText()
      .where(this.#condition(readable, selected, now))
      .orderBy(column, direction)
      .orderBy('memories.id', direction)
      .limit(page.limit);
    if (page.after !== undefined) {
      const { at, id } = page.after;
      const beyond = page.order === 'newest' ? sql`<` : sql`>`;
      query = query.where(sql<boolean>`(${sql.ref(column)}, memories.id) ${beyond} (${at}, ${id})`);
    }
    const { sql: text, parameters } = query.compile();
    const stored = this.#masks.lend(
      readable,
      selected,
      () => this.#database.prepare(text).all(...parameters) as StoredRecord[],
    );
    return stored.map((each) => this.#seal.open(each));
  }

  count(readable: Readable, selected: Selected, now: number): number {
    const query = queries
      .selectFrom('memories')
      .select(({ fn }) => fn.countAll().as('count'))
      .where(this.#condition(readable, selected, now));
    return this.#masks.lend(readable, selected, () => this.#pluck(query.compile())[0] as number);
  }

  /** How many memories each readable scope holds. */
  countByScope(readable: Readable, selected: Selected, now: number): { scope: number; count: number }[] {
    const { sql: text, parameters } = queries
      .selectFrom('memories')
      .select(({ fn }) => ['memories.scope', fn.countAll<number>().as('count')])
      .where(this.#condition(readable, selected, now))
      .groupBy('memories.scope')
      .compile();
    return this.#masks.lend(
      readable,
      selected,
      () => this.#database.prepare(text).all(...parameters) as { scope: number; count: number }[],
    );
  }

  #condition(readable: Readable, selected: Selected, now: number): RawBuilder<boolean> {
    return sql`${readableCondition(readable)} and ${selectedCondition(selected, now, this.#interning)}`;
  }

  #pluck({ sql: text, parameters }: { sql: string; parameters: readonly unknown[] }): number[] {
    return this.#database
      .prepare(text)
      .pluck()
      .all(...parameters) as number[];
  }
}
