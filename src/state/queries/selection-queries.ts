import type { Database } from 'better-sqlite3';
import { type RawBuilder, sql } from 'kysely';
import type { ReadableLabelSets } from '../../access/compile';
import type { Interning } from '../tables/interning';
import type { MemoryRow, RowChecksum, StoredMemoryRow } from '../tables/memory-row';
import { queries } from '../tables/schema';
import { withText } from './memory-queries';
import { ReadableMasks } from './readable-masks';
import { readableCondition, type Selected, selectedCondition } from './selection-sql';

export interface Page {
  readonly orderBy: 'createdAt' | 'validFrom';
  readonly order: 'newest' | 'oldest';
  readonly limit: number;
  /** The last item of the page before. */
  readonly after?: { readonly at: number; readonly id: string };
}

type LabelledRow = Pick<MemoryRow, 'id' | 'label_set' | 'owner' | 'author'>;

/** Answers exact questions about many memories, by SQLite alone. */
export class SelectionQueries {
  readonly #database: Database;
  readonly #interning: Interning;
  readonly #rowChecksum: RowChecksum;
  readonly #masks: ReadableMasks;

  constructor(database: Database, parts: { interning: Interning; rowChecksum: RowChecksum }) {
    this.#database = database;
    this.#interning = parts.interning;
    this.#rowChecksum = parts.rowChecksum;
    this.#masks = new ReadableMasks(database);
  }

  /** The rows of a selection, ascending. */
  rows(readable: ReadableLabelSets, selected: Selected, now: number): number[] {
    const query = queries
      .selectFrom('memories')
      .select('memories.row')
      .where(this.#condition(readable, selected, now))
      .orderBy('memories.row');
    return this.#masks.lend(readable, selected, () => this.#pluck(query.compile()));
  }

  /** The labels of a selection's memories, in the order of their rows. */
  labelled(readable: ReadableLabelSets, selected: Selected, now: number): LabelledRow[] {
    const { sql: text, parameters } = queries
      .selectFrom('memories')
      .select(['memories.id', 'memories.label_set', 'memories.owner', 'memories.author'])
      .where(this.#condition(readable, selected, now))
      .orderBy('memories.row')
      .compile();
    return this.#masks.lend(readable, selected, () => this.#database.prepare(text).all(...parameters) as LabelledRow[]);
  }

  page(readable: ReadableLabelSets, selected: Selected, now: number, page: Page): MemoryRow[] {
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
      () => this.#database.prepare(text).all(...parameters) as StoredMemoryRow[],
    );
    return stored.map((each) => this.#rowChecksum.checkedRow(each));
  }

  count(readable: ReadableLabelSets, selected: Selected, now: number): number {
    const query = queries
      .selectFrom('memories')
      .select(({ fn }) => fn.countAll().as('count'))
      .where(this.#condition(readable, selected, now));
    return this.#masks.lend(readable, selected, () => this.#pluck(query.compile())[0] as number);
  }

  /** How many memories each readable scope holds. */
  countByLabelSet(
    readable: ReadableLabelSets,
    selected: Selected,
    now: number,
  ): { label_set: number; count: number }[] {
    const { sql: text, parameters } = queries
      .selectFrom('memories')
      .select(({ fn }) => ['memories.label_set', fn.countAll<number>().as('count')])
      .where(this.#condition(readable, selected, now))
      .groupBy('memories.label_set')
      .compile();
    return this.#masks.lend(
      readable,
      selected,
      () => this.#database.prepare(text).all(...parameters) as { label_set: number; count: number }[],
    );
  }

  #condition(readable: ReadableLabelSets, selected: Selected, now: number): RawBuilder<boolean> {
    return sql`${readableCondition(readable)} and ${selectedCondition(selected, now, this.#interning)}`;
  }

  #pluck({ sql: text, parameters }: { sql: string; parameters: readonly unknown[] }): number[] {
    return this.#database
      .prepare(text)
      .pluck()
      .all(...parameters) as number[];
  }
}
