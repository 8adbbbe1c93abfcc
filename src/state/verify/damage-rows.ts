import type { Database, Statement } from 'better-sqlite3';
import { analyze } from '../../keyword-index/analyzer';
import { maxFrequency } from '../../keyword-index/posting-pages';
import { type Statement as Prepared, prepare } from '../../sqlite/sqlite';
import { withText } from '../queries/memory-queries';
import type { Interning } from '../tables/interning';
import { memoryRowOf, type RowChecksum, type StoredMemoryRow } from '../tables/memory-row';
import type { Tables } from '../tables/schema';
import type { VectorTable } from '../tables/vector-table';
import type { Words } from '../tables/words';
import { readInHalves, reasonOf, type VerifyProblem } from './damage';
import { type History, historyDamage } from './damage-history';
import { differingRows, type IndexSums, sumOf } from './index-sums';

export interface RowDamageDeps {
  readonly database: Database;
  readonly rowChecksum: RowChecksum;
  readonly interning: Interning;
  readonly vectors: VectorTable;
  /** The last row to read. */
  readonly lastRow: number;
  /**
   * Memories that changed after this change are not compared with the indexes, because an index may have been read before or after
   * their change.
   */
  readonly changeSeq: number;
  readonly words: Pick<Words, 'through'>;
}

type Range = { readonly after: number; readonly to: number };

/**
 * Checks memories with their history and vectors, one range of rows at a time. It also computes what the indexes should contain for
 * each row, as a sum of hashes (`index-sums.ts`).
 */
export class RowDamage {
  readonly #deps: RowDamageDeps;
  readonly #records: Prepared<Range, StoredMemoryRow>;
  readonly #revisions: Statement<[number, number], Tables['revisions']>;
  readonly #lines: Statement<[number, number, number, number], Tables['changes'] & { memory: number }>;
  readonly #byRow: Statement<[number], { id: string; change_seq: number }>;
  readonly #words: Uint32Array;
  /** Words of later rows waited when the check began. */
  readonly #wordsThrough: number;
  readonly #tags: Uint32Array;
  /** Damaged rows. It is unknown what the indexes should contain for them. */
  readonly #damaged = new Set<number>();

  constructor(deps: RowDamageDeps) {
    const { database, lastRow } = deps;
    this.#deps = deps;
    this.#wordsThrough = deps.words.through;
    this.#records = prepare(database, (p) =>
      withText().where('memories.row', '>', p('after')).where('memories.row', '<=', p('to')),
    );
    this.#revisions = database.prepare('select * from revisions where row > ? and row <= ?');
    // No index covers the first line about a memory, but the record names that line's number.
    this.#lines = database.prepare(`
      select memories.row as memory, changes.* from memories join changes on changes.change_seq = memories.first_change_seq
      where memories.row > ? and memories.row <= ?
      union all select row as memory, * from changes where row > ? and row <= ? and revision > 1`);
    this.#byRow = database.prepare('select id, change_seq from memories where row = ?');
    this.#words = new Uint32Array(lastRow + 1);
    this.#tags = new Uint32Array(lastRow + 1);
  }

  /** Checks the memories in a range and returns their problems. */
  read(range: Range): VerifyProblem[] {
    return readInHalves(
      (after, to) => this.#readRange(after, to),
      range,
      (row, error) => {
        this.#damaged.add(row);
        return [{ ...this.#named(row), part: 'record', message: `Row ${row} cannot be read. ${reasonOf(error)}` }];
      },
    );
  }

  /** Describes the first difference between the keyword index and the texts. Call this only after every range was read. */
  wordsDiffer(found: IndexSums): string | undefined {
    this.#expectNoWaitingWords(found);
    const different = this.#firstDifference(this.#words, found);
    return different && `The keyword index differs from the text of ${different}.`;
  }

  /** Describes the first difference between the index of tags and the records. Call this only after every range was read. */
  tagsDiffer(found: IndexSums): string | undefined {
    const different = this.#firstDifference(this.#tags, found);
    return different && `The index of tags differs from the tags of ${different}.`;
  }

  #readRange(after: number, to: number): VerifyProblem[] {
    const revisions = byRow(this.#revisions.all(after, to), ({ row }) => row);
    const lines = byRow(this.#lines.all(after, to, after, to), ({ memory }) => memory);
    return this.#records
      .all({ after, to })
      .flatMap((stored) =>
        this.#readRecord(stored, { revisions: revisions.get(stored.row) ?? [], lines: lines.get(stored.row) ?? [] }),
      );
  }

  #readRecord(stored: StoredMemoryRow, history: History): VerifyProblem[] {
    const { id, row } = stored;
    const record = memoryRowOf(stored);
    if (!this.#deps.rowChecksum.isIntact(record)) {
      this.#damaged.add(row);
      return [{ id: String(id), part: 'record', message: 'The record does not match its checksum.' }];
    }
    const damage = historyDamage(record, history, this.#deps);
    const problems: VerifyProblem[] = damage.map((message) => ({ id, part: 'record', message }));
    if (record.state === 'forgotten') return problems;
    this.#words[row] = sumOf(storedOccurrences(analyze(record.text)));
    this.#tags[row] = sumOf(JSON.parse(record.tags));
    return [...problems, ...this.#vectorProblems(row, id)];
  }

  #vectorProblems(row: number, id: string): VerifyProblem[] {
    try {
      this.#deps.vectors.ofRow(row);
      return [];
    } catch (error) {
      return [{ id, part: 'vector', message: reasonOf(error) }];
    }
  }

  /** Words that still wait must not be in the index. If they were written during the check, it may have been before or after it read them. */
  #expectNoWaitingWords({ sums }: IndexSums): void {
    const { through } = this.#deps.words;
    for (let row = this.#wordsThrough + 1; row < this.#words.length; row++)
      if (row > through || sums[row] === 0) this.#words[row] = 0;
  }

  #firstDifference(expected: Uint32Array, found: IndexSums): string | undefined {
    for (const row of differingRows(expected, found)) {
      if (this.#damaged.has(row)) continue;
      const memory = this.#byRow.get(row);
      if (memory === undefined) return `row ${row}, which holds no memory`;
      if (memory.change_seq <= this.#deps.changeSeq) return `memory ${memory.id}`;
    }
    return undefined;
  }

  #named(row: number): { id?: string } {
    try {
      const id = this.#byRow.get(row)?.id;
      return id === undefined ? {} : { id };
    } catch {
      return {};
    }
  }
}

/** The tokens of a text without the occurrences of a term that the keyword index does not count. */
function storedOccurrences(tokens: readonly string[]): readonly string[] {
  if (tokens.length <= maxFrequency) return tokens;
  const counts = new Map<string, number>();
  return tokens.filter((token) => {
    const count = (counts.get(token) ?? 0) + 1;
    counts.set(token, count);
    return count <= maxFrequency;
  });
}

function byRow<T>(lines: readonly T[], rowOf: (line: T) => number): Map<number, T[]> {
  const grouped = new Map<number, T[]>();
  for (const line of lines) {
    const group = grouped.get(rowOf(line));
    if (group === undefined) grouped.set(rowOf(line), [line]);
    else group.push(line);
  }
  return grouped;
}
