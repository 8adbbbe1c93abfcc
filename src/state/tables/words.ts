import type { Database } from 'better-sqlite3';
import { type RawBuilder, sql } from 'kysely';
import type { Progress } from '../../domain/calls';
import { startStopwatch } from '../../environment/timers';
import { analyze, analyzerVersion } from '../../keyword-index/analyzer';
import { prepare, type Statement } from '../../sqlite/sqlite';
import { withText } from '../queries/memory-queries';
import { readInHalves } from '../verify/damage';
import { intactRows, isDamage } from '../verify/intact-rows';
import { type StoredMemoryRow, textOf } from './memory-row';
import { queries } from './schema';
import type { StoreMeta } from './store-meta';

/** The key under which `store_meta` has the last row whose words are in FTS5. */
const wordsThrough = 'words_through';
/**
 * The words of this many new texts are written to FTS5 together, or fewer if they have this many tokens. Writing them costs a quarter
 * of what it costs one text at a time (measured: 20 µs in place of 80), and takes about 2 ms.
 */
const maxWaitingTexts = 128;
const maxWaitingTokens = 8_192;
/**
 * FTS5 merges its segments (the parts of its index) in steps of this many pages, which take about 2 ms, one step for each group of
 * texts. Merges that FTS5 starts itself may take as long as writing the whole index, inside one commit.
 */
const pagesPerMerge = 40;

/**
 * The keyword index. The words of the latest memories wait in RAM and are written to FTS5 in groups, inside the transaction of the
 * memory that completes the group. After a restart they are computed again from the texts, so nothing is lost.
 */
export class Words {
  readonly #database: Database;
  readonly #meta: StoreMeta;
  readonly #insert: Statement<IndexedText, unknown>;
  readonly #delete: Statement<IndexedText, unknown>;
  readonly #stored: Statement<{ after: number; to: number }, StoredMemoryRow>;
  readonly #lastRow: Statement<object, { row: number | null }>;
  readonly #rowsWith: Statement<{ term: string }, { through: number | null; rows: string }>;
  readonly #merge;
  #through = 0;
  /** Undefined until the texts were read. */
  #waiting: WaitingTexts | undefined;

  constructor(database: Database, meta: StoreMeta) {
    this.#database = database;
    this.#meta = meta;
    this.#insert = prepare(database, (p) =>
      raw(sql`insert into tokens (rowid, words) values (${p('row')}, ${p('words')})`),
    );
    this.#delete = prepare(database, (p) =>
      raw(sql`insert into tokens (tokens, rowid, words) values ('delete', ${p('row')}, ${p('words')})`),
    );
    this.#stored = prepare(database, (p) =>
      withText()
        .where('memories.row', '>', p('after'))
        .where('memories.row', '<=', p('to'))
        .where('memories.state', '!=', 'forgotten'),
    );
    this.#lastRow = prepare(database, () => queries.selectFrom('memories').select(({ fn }) => fn.max('row').as('row')));
    // One statement, so that both values are from the same state. One JSON text is a third faster than one result row for each occurrence.
    this.#rowsWith = prepare(database, (p) =>
      raw(sql<{
        through: number | null;
        rows: string;
      }>`select (select value from store_meta where key = ${wordsThrough}) as through,
        (select json_group_array(doc) from postings where term = ${p('term')}) as rows`),
    );
    this.#merge = database.prepare(`insert into tokens (tokens, rank) values ('merge', ${pagesPerMerge})`);
    this.reload();
  }

  /** The last row whose words are in FTS5. */
  get through(): number {
    return this.#through;
  }

  /** Reads again what is in RAM. Needed after a rollback, and after another process has written. */
  reload(): void {
    const last = this.#lastRow.get({})?.row ?? 0;
    const through = this.#meta.get(wordsThrough);
    // After damage to this number, no text waits. `verify` then finds the texts whose words are missing, or there twice.
    const isPossible = typeof through === 'number' && through <= last && through > last - maxWaitingTexts;
    this.#through = isPossible ? through : last;
    this.#waiting = undefined;
  }

  /** Adds the words of a new or changed text. Only `apply` calls this, in its transaction. */
  insert(row: number, tokens: readonly string[]): void {
    if (row <= this.#through) {
      this.#insert.run(indexed(row, tokens));
      return;
    }
    const waiting = this.#waitingTexts();
    waiting.put(row, tokens);
    if (waiting.last - this.#through >= maxWaitingTexts || waiting.tokenCount >= maxWaitingTokens) this.#write(waiting);
  }

  /** Removes the words of a text. The tokens must be exactly those that were inserted, because FTS5 deletes each one. */
  delete(row: number, tokens: readonly string[]): void {
    if (row <= this.#through) this.#delete.run(indexed(row, tokens));
    else this.#waitingTexts().delete(row);
  }

  /** Removes the words of a text that cannot be read, if FTS5 does not have them yet. */
  deleteWaiting(row: number): void {
    if (row > this.#through) this.#waitingTexts().delete(row);
  }

  /** Writes the words that wait, in one transaction. */
  writeWaiting(): void {
    const waiting = this.#waitingTexts();
    if (waiting.last <= this.#through) return;
    try {
      this.#database.transaction(() => this.#write(waiting)).immediate();
    } catch (error) {
      this.reload();
      throw error;
    }
  }

  /** Returns one row number for each occurrence of a term, in any order. */
  rowsWith(term: string): number[] {
    const { through = null, rows = '[]' } = this.#rowsWith.get({ term }) ?? {};
    const found: number[] = JSON.parse(rows);
    // In a read-only process, the writer may have written some of them meanwhile.
    this.#waitingTexts().addRowsWith(term, found, Math.max(through ?? 0, this.#through));
    return found;
  }

  /** Indexes the words of all texts again, in one transaction. Texts that cannot be read are indexed without words or skipped. */
  rebuild(onProgress?: (progress: Progress) => void): void {
    try {
      this.#database.transaction(() => this.#rebuild(onProgress)).immediate();
    } finally {
      this.reload();
    }
  }

  #rebuild(onProgress: ((progress: Progress) => void) | undefined): void {
    const elapsedMs = startStopwatch();
    this.#database.exec("insert into tokens (tokens) values ('delete-all')");
    const total = this.#database
      .prepare("select count(*) from memories where state <> 'forgotten'")
      .pluck()
      .get() as number;
    let done = 0;
    for (const stored of intactRows(this.#database, (after, to) => this.#stored.all({ after, to }))) {
      this.#insert.run(indexed(stored.row, tokensOf(stored)));
      done++;
      if (onProgress === undefined || (done % recordsPerReport !== 0 && done !== total)) continue;
      onProgress({ phase: 'index words', done, failed: 0, total, perSecond: (done / elapsedMs()) * 1000 });
    }
    this.#meta.put('analyzer', analyzerVersion);
    this.#meta.put(wordsThrough, this.#lastRow.get({})?.row ?? 0);
  }

  #write(waiting: WaitingTexts): void {
    for (const [row, tokens] of waiting.inOrder()) this.#insert.run(indexed(row, tokens));
    this.#merge.run();
    this.#meta.put(wordsThrough, waiting.last);
    this.#through = waiting.last;
    waiting.clear();
  }

  #waitingTexts(): WaitingTexts {
    if (this.#waiting !== undefined) return this.#waiting;
    const last = this.#lastRow.get({})?.row ?? 0;
    const waiting = new WaitingTexts(Math.max(last, this.#through));
    const range = { after: this.#through, to: last };
    const read = (after: number, to: number) => this.#stored.all({ after, to });
    const stored = last <= this.#through ? [] : readInHalves(read, range, skipDamaged);
    for (const each of stored) waiting.put(each.row, tokensOf(each));
    this.#waiting = waiting;
    return waiting;
  }
}

interface IndexedText {
  readonly row: number;
  readonly words: string;
}

/** The tokens of the texts that FTS5 does not have yet. */
class WaitingTexts {
  /** The highest row, also if its text was forgotten. */
  last: number;
  tokenCount = 0;
  readonly #tokens = new Map<number, readonly string[]>();

  constructor(last: number) {
    this.last = last;
  }

  put(row: number, tokens: readonly string[]): void {
    this.delete(row);
    this.#tokens.set(row, tokens);
    this.tokenCount += tokens.length;
    if (row > this.last) this.last = row;
  }

  delete(row: number): void {
    this.tokenCount -= this.#tokens.get(row)?.length ?? 0;
    this.#tokens.delete(row);
  }

  clear(): void {
    this.#tokens.clear();
    this.tokenCount = 0;
  }

  /** In ascending order of the rows, which FTS5 needs to write them together. */
  inOrder(): (readonly [number, readonly string[]])[] {
    return [...this.#tokens].sort(([a], [b]) => a - b);
  }

  /** Adds one row number for each occurrence of a term in a row after `after`. */
  addRowsWith(term: string, found: number[], after: number): void {
    for (const [row, tokens] of this.#tokens) {
      if (row <= after) continue;
      for (const token of tokens) if (token === term) found.push(row);
    }
  }
}

/** Checks whether the words were indexed with the current analyzer and the current version of Unicode. */
export function areCurrentWords(meta: StoreMeta): boolean {
  return meta.get('analyzer') === analyzerVersion;
}

// Often enough for a user who waits, and rare enough that the reports cost almost nothing.
const recordsPerReport = 1_000;

function indexed(row: number, tokens: readonly string[]): IndexedText {
  return { row, words: tokens.join(' ') };
}

function tokensOf(stored: StoredMemoryRow): string[] {
  return analyze(textOf(stored.text));
}

function skipDamaged(_row: number, error: unknown): readonly StoredMemoryRow[] {
  if (!isDamage(error)) throw error;
  return [];
}

function raw<R>(query: RawBuilder<R>) {
  return { compile: () => query.compile(queries) };
}
