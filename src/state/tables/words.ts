import type { Database } from 'better-sqlite3';
import type { Progress } from '../../domain/calls';
import { MemoryError } from '../../domain/errors';
import { startStopwatch } from '../../environment/timers';
import { analyze, analyzerVersion } from '../../keyword-index/analyzer';
import { maxFrequency, type PostingList } from '../../keyword-index/posting-pages';
import type { TermPostings } from '../../keyword-index/postings';
import { WordGroup } from '../../keyword-index/word-group';
import { inTransaction, prepare, type Statement } from '../../sqlite/sqlite';
import { withText } from '../queries/memory-queries';
import { readInHalves } from '../verify/damage';
import { isDamage } from '../verify/intact-rows';
import type { Checksum } from './checksum';
import { type StoredMemoryRow, textOf } from './memory-row';
import { queries } from './schema';
import type { StoreMeta } from './store-meta';
import { isDamagedWords, WordSegments } from './word-segments';

/**
 * The words of this many new texts are written together, or fewer if they have this many tokens. Writing them costs a quarter of what
 * it costs one text at a time, and takes about 2 ms.
 */
const maxWaitingTexts = 128;
const maxWaitingTokens = 8_192;
/**
 * The merges of the index do so many steps while a group of texts is collected, each in the transaction of another text. Together, or with the
 * group, they would block the event loop longer.
 */
const stepsPerGroup = 3;
/** The same if the words of many stored texts are missing. Larger groups need no merges later, and take about 100 MB meanwhile. */
const maxIndexedTexts = 32_768;
const maxIndexedTokens = 2 ** 20;
/** A read-only process computes the words of at most this many texts itself. Waiting texts are fewer than this. */
const maxTextsOfReader = 1_024;
/** Stands in place of the version of the analyzer after a change has found the index damaged. */
const damagedMark = 'damaged';
/** Texts are read from the tables in ranges of this many rows. */
const rowsPerRead = 256;

/**
 * The keyword index. The words of the latest memories wait in RAM and are written in groups, inside the transaction of the memory that
 * completes the group. After a restart they are computed again from the texts, so nothing is lost. The words of a forgotten memory, and
 * of a text that was replaced, are removed from the index in the transaction of the change.
 */
export class Words {
  readonly #database: Database;
  readonly #meta: StoreMeta;
  readonly #segments: WordSegments;
  readonly #stored: Statement<{ after: number; to: number }, StoredMemoryRow>;
  readonly #lastRow: Statement<object, { row: number | null }>;
  #through = 0;
  #isDamaged = false;
  /** The steps of merges since the last group was written. */
  #steps = 0;
  /** Undefined until the texts were read. */
  #waiting: WaitingTexts | undefined;

  constructor(database: Database, meta: StoreMeta, checksum: Checksum) {
    this.#database = database;
    this.#meta = meta;
    this.#segments = new WordSegments(database, checksum);
    this.#stored = prepare(database, (p) =>
      withText()
        .where('memories.row', '>', p('after'))
        .where('memories.row', '<=', p('to'))
        .where('memories.state', '!=', 'forgotten'),
    );
    this.#lastRow = prepare(database, () => queries.selectFrom('memories').select(({ fn }) => fn.max('row').as('row')));
    this.#readThrough();
  }

  /** The last row whose words are in the tables. */
  get through(): number {
    return this.#through;
  }

  /** True if a change found the index damaged. `rebuild` repairs it, and the next open too. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** Reads again what is in RAM. Needed after a rollback, and after another process has written. */
  reload(): void {
    this.#segments.reload();
    this.#readThrough();
  }

  /** Adds the words of a new text. Only `apply` calls this, in its transaction. */
  insert(row: number, tokens: readonly string[]): void {
    if (row <= this.#through) {
      this.#change(row, frequenciesOf(tokens));
      return;
    }
    const waiting = this.#waitingTexts();
    waiting.put(row, tokens);
    const share = Math.max((waiting.last - this.#through) / maxWaitingTexts, waiting.tokenCount / maxWaitingTokens);
    if (share >= 1) this.#write(waiting);
    else if (share * (stepsPerGroup + 1) >= this.#steps + 1) this.#mergeStep();
  }

  /** Replaces the words of a text. `before` must be exactly those that were inserted, because the others stay. */
  replace(row: number, before: readonly string[], after: readonly string[]): void {
    if (row > this.#through) {
      this.insert(row, after);
      return;
    }
    const changes = frequenciesOf(after);
    for (const [term, frequency] of frequenciesOf(before)) {
      if (changes.get(term) === frequency) changes.delete(term);
      else if (!changes.has(term)) changes.set(term, 0);
    }
    this.#change(row, changes);
  }

  /** Removes the words of a text. The tokens must be exactly those that were inserted, because others stay. */
  delete(row: number, tokens: readonly string[]): void {
    if (row <= this.#through) this.#change(row, new Map(tokens.map((term) => [term, 0])));
    else this.#waitingTexts().delete(row);
  }

  /** Removes the words of a text that cannot be read, if they were not written yet. */
  deleteWaiting(row: number): void {
    if (row > this.#through) this.#waitingTexts().delete(row);
  }

  /** Writes the words that wait, in one transaction. */
  writeWaiting(): void {
    const waiting = this.#waitingTexts();
    if (waiting.last <= this.#through) return;
    this.#inTransaction(() => this.#write(waiting));
  }

  /**
   * Returns the rows that have a term, and how often each has it.
   *
   * @throws RECORD_DAMAGED; STORE_BUSY in a read-only process while the words of many texts are missing
   */
  read(term: string): TermPostings {
    if (!this.#database.readonly) return this.#read(term);
    const read = () => {
      // The process that writes may have written some of the waiting words meanwhile.
      this.#segments.reload();
      return this.#read(term);
    };
    return this.#database.inTransaction ? read() : inTransaction(this.#database, read);
  }

  /**
   * Indexes texts whose words are missing: those of an earlier release, or of another analyzer or version of Unicode. Each step is a
   * transaction. If the process ends in between, the next open goes on.
   */
  complete(onProgress?: (progress: Progress) => void): void {
    const isUsable = areCurrentWords(this.#meta) && !this.#segments.isDamaged && !this.#segments.hasStrayPages();
    if (!isUsable) this.#inTransaction(() => this.#clear());
    if (this.#lastStored() - this.#through < maxWaitingTexts) return;
    const report = this.#reporter(onProgress);
    while (this.#through < this.#lastStored()) this.#inTransaction(() => this.#indexNext(report));
  }

  /** Indexes the words of all texts again, in one transaction. Texts that cannot be read are indexed without words or skipped. */
  rebuild(): void {
    this.#inTransaction(() => {
      this.#clear();
      while (this.#through < this.#lastStored()) this.#indexNext();
    });
  }

  /**
   * Compares pages of the index with their checksums, in the order of their ids. Returns how many were compared, the highest of their
   * ids, and whether one differs.
   */
  checkPages(
    after: number,
    limit: number,
  ): { readonly count: number; readonly last: number; readonly isDamaged: boolean } {
    return this.#segments.checkPages(after, limit);
  }

  /** A change to a memory must not fail because a part of the index is damaged: it can be computed again. */
  #change(row: number, frequencies: ReadonlyMap<string, number>): void {
    try {
      this.#segments.change(row, frequencies);
    } catch (error) {
      if (!isDamagedWords(error)) throw error;
      this.#reportDamage();
    }
  }

  #reportDamage(): void {
    // The next open rebuilds an index of another analyzer, if the process ends before `rebuild`.
    this.#meta.put('analyzer', damagedMark);
    this.#isDamaged = true;
  }

  #inTransaction(run: () => void): void {
    try {
      inTransaction(this.#database, run, 'immediate');
    } catch (error) {
      this.reload();
      throw error;
    }
  }

  #readThrough(): void {
    this.#waiting = undefined;
    this.#steps = 0;
    this.#isDamaged = this.#meta.get('analyzer') === damagedMark;
    // After damage to the list of segments, no text waits. `verify` and the next open index all texts again.
    this.#through = this.#segments.isDamaged ? this.#lastStored() : this.#segments.through;
  }

  #lastStored(): number {
    return this.#lastRow.get({})?.row ?? 0;
  }

  #clear(): void {
    this.#segments.clear();
    this.#meta.put('analyzer', analyzerVersion);
    this.#readThrough();
  }

  /** Writes the words of the next texts as one segment. */
  #indexNext(onText?: () => void): void {
    const last = this.#lastStored();
    const group = new WordGroup();
    let to = this.#through;
    while (to < last && to - this.#through < maxIndexedTexts && group.tokenCount < maxIndexedTokens) {
      const range = { after: to, to: Math.min(last, to + rowsPerRead) };
      to = range.to;
      for (const stored of this.#readStored(range)) {
        group.add(stored.row, tokensOf(stored));
        onText?.();
        if (group.tokenCount < maxIndexedTokens) continue;
        to = stored.row;
        break;
      }
    }
    const groups = Math.max((to - this.#through) / maxWaitingTexts, group.tokenCount / maxWaitingTokens);
    this.#segments.add(group, { first: this.#through + 1, last: to }, groups);
    this.#through = to;
    this.#waiting = undefined;
  }

  #readStored(range: { after: number; to: number }): StoredMemoryRow[] {
    return readInHalves((after, to) => this.#stored.all({ after, to }), range, skipDamaged);
  }

  #reporter(onProgress: ((progress: Progress) => void) | undefined): () => void {
    if (onProgress === undefined) return () => undefined;
    const elapsedMs = startStopwatch();
    const total = this.#database
      .prepare("select count(*) from memories where state <> 'forgotten' and row > ?")
      .pluck()
      .get(this.#through) as number;
    let done = 0;
    return () => {
      done++;
      if (done % recordsPerReport !== 0 && done !== total) return;
      onProgress({ phase: 'index words', done, failed: 0, total, perSecond: (done / elapsedMs()) * 1000 });
    };
  }

  #write(waiting: WaitingTexts): void {
    if (this.#segments.isDamaged) {
      this.#reportDamage();
      return;
    }
    const group = new WordGroup();
    for (const [row, tokens] of waiting.inOrder()) group.add(row, tokens);
    this.#segments.add(group, { first: this.#through + 1, last: waiting.last });
    // A long text may fill a group alone.
    while (this.#steps < stepsPerGroup) this.#mergeStep();
    this.#steps = 0;
    this.#through = waiting.last;
    waiting.clear();
  }

  #mergeStep(): void {
    this.#steps++;
    if (!this.#segments.isDamaged) this.#segments.merge();
  }

  #read(term: string): TermPostings {
    const found = this.#segments.read(term);
    this.#waitingTexts().addRowsWith(term, found, this.#segments.through);
    return found;
  }

  #waitingTexts(): WaitingTexts {
    if (this.#waiting !== undefined) return this.#waiting;
    const last = this.#lastStored();
    if (this.#database.readonly && last - this.#through > maxTextsOfReader) throw wordsMissing();
    const waiting = new WaitingTexts(Math.max(last, this.#through));
    if (last > this.#through)
      for (const each of this.#readStored({ after: this.#through, to: last })) waiting.put(each.row, tokensOf(each));
    this.#waiting = waiting;
    return waiting;
  }
}

/** The tokens of the texts whose words were not written yet. */
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

  /** In ascending order of the rows. */
  inOrder(): (readonly [number, readonly string[]])[] {
    return [...this.#tokens].sort(([a], [b]) => a - b);
  }

  /** Appends the rows after `after` that have a term. */
  addRowsWith(term: string, found: PostingList, after: number): void {
    const rows: [row: number, frequency: number][] = [];
    for (const [row, tokens] of this.#tokens) {
      if (row <= after) continue;
      let frequency = 0;
      for (const token of tokens) if (token === term) frequency++;
      if (frequency > 0) rows.push([row, Math.min(frequency, maxFrequency)]);
    }
    for (const [row, frequency] of rows.sort(([a], [b]) => a - b)) found.push(row, frequency);
  }
}

/** Checks whether the words were indexed with the current analyzer and the current version of Unicode. */
export function areCurrentWords(meta: StoreMeta): boolean {
  return meta.get('analyzer') === analyzerVersion;
}

// Often enough for a user who waits, and rare enough that the reports cost almost nothing.
const recordsPerReport = 1_000;

function tokensOf(stored: StoredMemoryRow): string[] {
  return analyze(textOf(stored.text));
}

function skipDamaged(_row: number, error: unknown): readonly StoredMemoryRow[] {
  if (!isDamage(error)) throw error;
  return [];
}

function frequenciesOf(tokens: readonly string[]): Map<string, number> {
  const frequencies = new Map<string, number>();
  for (const term of tokens) frequencies.set(term, Math.min((frequencies.get(term) ?? 0) + 1, maxFrequency));
  return frequencies;
}

function wordsMissing(): MemoryError {
  const message =
    'The keyword index of this store is not complete. Wait until the process that writes the store has opened it, or open it for writing once.';
  return new MemoryError('STORE_BUSY', message);
}
