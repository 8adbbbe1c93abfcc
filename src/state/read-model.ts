import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import type { Policy } from '../access/policy';
import type { SpaceName } from '../domain/command';
import { nextTurn } from '../environment/timers';
import { Postings } from '../keyword-index/postings';
import { prepare, type Statement } from '../sqlite/sqlite';
import { type RowChange, type RowColumns, rowColumnsOf } from './apply/apply-context';
import type { ChangeQueries } from './queries/change-queries';
import type { MemoryQueries } from './queries/memory-queries';
import type { SelectionQueries } from './queries/selection-queries';
import type { AppliedBatch, StateStore } from './state-store';
import type { ReadonlyInterning } from './tables/interning';
import type { RowChecksum } from './tables/memory-row';
import { queries } from './tables/schema';
import { chunksIn, type RowRange, type SpaceCoverage } from './tables/space-coverage';
import { type SpaceChunks, VectorTable } from './tables/vector-table';

/** The part of a batch that readers follow. */
export type FollowedBatch = Pick<AppliedBatch, 'changes' | 'changeSeq' | 'embedded' | 'spaceSwitched'>;

/** The vectors of one space, and the number of them that each row has. */
export interface SpaceVectors {
  readonly vectors: VectorTable;
  readonly chunks: ChunkCounts;
}

// A few milliseconds of work in one turn of the event loop.
const rowsPerTurn = 1024;

/**
 * The read side of a store: its rules and tables, and in memory what every search needs of every memory. In the process that writes
 * it follows each applied batch; in a process that reads beside it, `refresh` follows what was committed there.
 */
export class ReadModel {
  readonly interning: ReadonlyInterning;
  readonly rowChecksum: Pick<RowChecksum, 'isIntact' | 'checked'>;
  readonly records: MemoryQueries;
  readonly selections: SelectionQueries;
  readonly changes: ChangeQueries;
  readonly columns = new ColumnStore();
  /** The vectors in the space that is searched. */
  readonly vectors: VectorTable;
  /** The words of every text. */
  readonly postings: Postings;
  readonly #state: StateStore;
  readonly #changedSince: Statement<{ change_seq: number; space: number }, LabelRow>;
  #dataVersion: number;
  #lastSeen = 0;
  /** The counts in the space that the store is about to switch to. They are complete once every row was read. */
  #next: { readonly chunks: ChunkCounts; isComplete: boolean } | undefined;

  constructor(state: StateStore) {
    const { database, checksum, interning } = state;
    this.#state = state;
    this.interning = interning;
    this.rowChecksum = state.rowChecksum;
    this.records = state.records;
    this.selections = state.selections;
    this.changes = state.changes;
    this.vectors = new VectorTable(database, checksum, {
      space: () => interning.currentSpace?.id,
      chunks: () => this.columns.chunks,
    });
    this.postings = new Postings({ read: postingsReader(database) });
    this.#changedSince = prepareChangedSince(database);
    this.#dataVersion = state.dataVersion();
    this.#readChanged(() => undefined);
  }

  /** The rules that are in force. */
  get policy(): Policy {
    return this.#state.policy;
  }

  /** The number of the latest change. */
  get lastChangeSeq(): number {
    return this.#state.lastChangeSeq;
  }

  /** The vectors in one space, whether or not it is searched. Without an id: in the current space, or in the first that the store gets. */
  vectorsIn(space?: number): SpaceVectors {
    const { database, checksum, interning, coverage } = this.#state;
    const chunks = new ChunkCounts({ interning, columns: this.columns, coverage }, space);
    return { vectors: new VectorTable(database, checksum, chunks), chunks };
  }

  /** Follows a batch that this process has applied. */
  follow(batch: AppliedBatch): void {
    const { changes, wordsDamaged, spaceSwitched } = batch;
    for (const change of changes) this.columns.apply(change);
    if (spaceSwitched) this.#switchChunks(batch);
    else if (this.#next !== undefined) followIn(this.#next.chunks, batch);
    if (wordsDamaged) this.postings.clear();
    for (const { row, tokensBefore, tokens } of changes) {
      if (tokensBefore !== undefined) this.postings.removed(row, tokensBefore);
      if (tokens !== undefined) this.postings.added(row, tokens);
    }
    this.#lastSeen = batch.changeSeq;
  }

  /** Follows what another process has committed since the last call. Undefined if that is nothing. */
  refresh(): FollowedBatch | undefined {
    const state = this.#state;
    // Rules, labels and rows must be of one moment.
    return state.snapshot(() => {
      const version = state.dataVersion();
      if (version === this.#dataVersion) return undefined;
      const before = this.interning.currentSpace?.id;
      state.reload();
      const isOtherSpace = this.interning.currentSpace?.id !== before;
      if (isOtherSpace) this.#readChunks();
      const changes: RowChange[] = [];
      this.#readChanged((change) => changes.push(change));
      // Which words were added and removed is unknown here, so that they are read again when they are needed.
      if (changes.length > 0) this.postings.clear();
      // Last: if anything above fails, the next call tries again, and no read is answered by outdated rules.
      this.#dataVersion = version;
      // The first vectors of a store give it a space without a switch.
      const spaceSwitched = isOtherSpace && before !== undefined;
      return { changes, changeSeq: this.lastChangeSeq, embedded: [], spaceSwitched };
    });
  }

  /** The space whose vectors are being counted, because the store is about to switch to it. */
  get nextSpace(): number | undefined {
    return this.#next?.chunks.space();
  }

  /**
   * Counts the vectors of the space that the store is about to switch to, so that the switch takes no time. Batches that are applied
   * meanwhile are followed.
   *
   * @throws the reason of the signal
   */
  async countNext(chunks: ChunkCounts, signal: AbortSignal): Promise<void> {
    const next = { chunks, isComplete: false };
    this.#next = next;
    for (let after = 0; after < this.columns.last; after += rowsPerTurn) {
      chunks.read({ after, upTo: after + rowsPerTurn });
      await nextTurn();
      signal.throwIfAborted();
    }
    next.isComplete = true;
  }

  /** Drops the counts of the next space. */
  abandonNext(): void {
    this.#next = undefined;
  }

  #switchChunks({ changes, embedded }: AppliedBatch): void {
    const next = this.#next;
    this.#next = undefined;
    if (next?.isComplete !== true || next.chunks.space() !== this.interning.currentSpace?.id) {
      this.#readChunks();
      return;
    }
    next.chunks.refresh([...changes.map(({ row }) => row), ...embedded.flatMap(({ rows }) => rows)]);
    this.columns.chunks = next.chunks.own();
  }

  #readChunks(): void {
    // A new array: searches in the space before may still use the old one.
    const { chunks } = this.vectorsIn(this.interning.currentSpace?.id);
    chunks.read({ after: 0, upTo: this.columns.last });
    this.columns.chunks = chunks.own();
  }

  #readChanged(onChange: (change: RowChange) => void): void {
    const space = this.interning.currentSpace?.id ?? 0;
    for (const line of this.#changedSince.iterate({ change_seq: this.#lastSeen, space })) {
      const change = rowChangeOf(line);
      this.columns.apply(change);
      onChange(change);
    }
    this.#lastSeen = this.lastChangeSeq;
  }
}

function followIn(next: ChunkCounts, { changes, embedded }: AppliedBatch): void {
  const rows = changes.flatMap(({ row, reindex }) => (reindex ? [row] : []));
  for (const each of embedded) if (each.space === next.space()) rows.push(...each.rows);
  if (rows.length > 0) next.refresh(rows);
}

type LabelRow = Parameters<typeof rowColumnsOf>[0] & { row: number; id: string; change_seq: number };

function rowChangeOf(line: LabelRow): RowChange {
  const { row, id, change_seq: changeSeq } = line;
  if (line.state === 'forgotten') return { row, id, changeSeq, type: 'forgotten', reindex: true };
  return { row, id, changeSeq, type: 'revised', reindex: true, columns: rowColumnsOf(line) };
}

const labelColumns = [
  'row',
  'id',
  'change_seq',
  'state',
  'label_set',
  'owner',
  'length',
  'valid_from',
  'expires_at',
  'priority',
] as const;

function prepareChangedSince(database: Database): Statement<{ change_seq: number; space: number }, LabelRow> {
  // In the order of rows: columns grow at their end, and SQLite reads its pages in order.
  return prepare<{ change_seq: number; space: number }, LabelRow>(
    database,
    (p) =>
      queries
        .selectFrom('memories')
        .select(labelColumns)
        .select(chunksIn(p('space')).as('chunks'))
        .where('change_seq', '>', p('change_seq'))
        .orderBy('row') as never,
  );
}

/** Reads the postings of a term: a row for each of its occurrences. */
function postingsReader(database: Database): (term: string) => ArrayLike<number> {
  // One JSON text is a third faster than one result row for each occurrence.
  const { sql: text } = sql`select json_group_array(doc) from postings where term = ?`.compile(queries);
  const statement = database.prepare(text).pluck();
  return (term) => JSON.parse(statement.get(term) as string);
}

const initialCapacity = 1024;

/** What every search needs of every memory, in typed arrays by row: 39 bytes a memory. Row 0 is not used. */
export class ColumnStore {
  /** The highest row. */
  last = 0;
  labelSet = new Uint32Array(initialCapacity);
  owner = new Uint32Array(initialCapacity);
  /** 1 for a memory that is neither forgotten nor superseded nor quarantined. */
  active = new Uint8Array(initialCapacity);
  /** The number of its vectors in the space that is searched. */
  chunks = new Uint16Array(initialCapacity);
  /** The number of tokens of its text. */
  length = new Uint32Array(initialCapacity);
  validFrom = new Float64Array(initialCapacity);
  expiresAt = new Float64Array(initialCapacity);
  priority = new Float64Array(initialCapacity);

  apply({ row, columns }: Pick<RowChange, 'row' | 'columns'>): void {
    if (row > this.last) {
      this.#grow(row);
      this.last = row;
    }
    if (columns === undefined) this.#clear(row);
    else this.#set(row, columns);
  }

  #set(row: number, columns: RowColumns): void {
    this.labelSet[row] = columns.labelSet;
    this.owner[row] = columns.owner;
    this.active[row] = columns.active ? 1 : 0;
    this.chunks[row] = columns.chunks;
    this.length[row] = columns.length;
    this.validFrom[row] = columns.validFrom;
    this.expiresAt[row] = columns.expiresAt;
    this.priority[row] = columns.priority;
  }

  // A forgotten row has label set 0, which no actor may read.
  #clear(row: number): void {
    for (const column of [this.labelSet, this.owner, this.active, this.chunks, this.length]) column[row] = 0;
  }

  #grow(row: number): void {
    if (row < this.labelSet.length) return;
    const capacity = Math.max(row + 1, this.labelSet.length * 2);
    this.labelSet = copy(this.labelSet, new Uint32Array(capacity));
    this.owner = copy(this.owner, new Uint32Array(capacity));
    this.active = copy(this.active, new Uint8Array(capacity));
    this.chunks = copy(this.chunks, new Uint16Array(capacity));
    this.length = copy(this.length, new Uint32Array(capacity));
    this.validFrom = copy(this.validFrom, new Float64Array(capacity));
    this.expiresAt = copy(this.expiresAt, new Float64Array(capacity));
    this.priority = copy(this.priority, new Float64Array(capacity));
  }
}

function copy<T extends { set(from: ArrayLike<number>): void }>(from: ArrayLike<number>, to: T): T {
  to.set(from);
  return to;
}

interface ChunkCountsDeps {
  readonly interning: ReadonlyInterning;
  readonly columns: ColumnStore;
  readonly coverage: SpaceCoverage;
}

/**
 * The number of vectors that each row has in one space. For the space that is searched the columns hold the counts; for any other
 * space they are kept here. A store without vectors has no space yet: the first one it gets becomes the space of these counts.
 */
export class ChunkCounts implements SpaceChunks {
  readonly #deps: ChunkCountsDeps;
  #id: number | undefined;
  #own = new Uint16Array(0);

  constructor(deps: ChunkCountsDeps, id?: number) {
    this.#deps = deps;
    this.#id = id;
  }

  /** Reads the counts of a range of rows. Needed for a space that is not searched: of its rows nothing is known yet. */
  read(range: RowRange): void {
    const id = this.space();
    if (id === undefined) return;
    this.#grow();
    for (const line of this.#deps.coverage.chunks(id, range)) this.#own[line.row] = line.chunks;
  }

  /** Reads the counts of these rows again. */
  refresh(rows: readonly number[]): void {
    const id = this.space();
    if (id === undefined) return;
    this.#grow();
    for (const row of rows) this.#own[row] = this.#deps.coverage.chunksOf(row, id);
  }

  /** The counts that were read, with room for every row. */
  own(): Uint16Array<ArrayBuffer> {
    this.#grow();
    return this.#own;
  }

  space(): number | undefined {
    this.#id ??= this.#deps.interning.currentSpace?.id;
    return this.#id;
  }

  /** The name of the space. Undefined while the store has none. */
  name(): SpaceName | undefined {
    const id = this.space();
    return id === undefined ? undefined : this.#deps.interning.space(id);
  }

  /** Whether searches use this space now. */
  isSearched(): boolean {
    return this.#deps.interning.currentSpace?.id === this.space();
  }

  chunks(): Uint16Array {
    if (!this.isSearched()) return this.#own;
    // The columns replace their array when they grow and when the store switches: the last array of this space stays here.
    this.#own = this.#deps.columns.chunks;
    return this.#own;
  }

  #grow(): void {
    const { length } = this.#deps.columns.chunks;
    if (length <= this.#own.length) return;
    const larger = new Uint16Array(length);
    larger.set(this.#own);
    this.#own = larger;
  }
}
