import type { Database } from 'better-sqlite3';
import { sql } from 'kysely';
import type { Policy } from '../access/policy';
import type { SpaceName } from '../domain/command';
import { MemoryError } from '../domain/errors';
import { memoryKinds, sourceChannels } from '../domain/memory';
import type { ParsedScope } from '../domain/scope';
import type { TrustLevel } from '../domain/trust';
import { nextTurn } from '../environment/timers';
import { Postings } from '../keyword-index/postings';
import { prepareLists, translated } from '../sqlite/sqlite';
import type { RowColumns } from './apply/apply-context';
import { type RowChange, rowColumnsOf } from './apply/apply-context';
import { ownTrust, type TrustColumns } from './apply/trust';
import type { ChangeQueries } from './queries/change-queries';
import type { MemoryQueries } from './queries/memory-queries';
import type { SelectionQueries } from './queries/selection-queries';
import { endOfRow, endsOfAll, type RetainedRow, RetainedRows } from './retention-pass';
import { bytesOf, FieldRows, RowLists, TagRows } from './row-lists';
import type { AppliedBatch, StateStore } from './state-store';
import type { Derivations } from './tables/derivations';
import type { ReadonlyInterning } from './tables/interning';
import type { RowChecksum } from './tables/memory-row';
import { queries } from './tables/schema';
import { chunksIn, type RowRange, type SpaceCoverage } from './tables/space-coverage';
import { type SpaceChunks, VectorTable } from './tables/vector-table';
import { TrustPass } from './trust-pass';

/** The parts of an applied batch that readers need to update what they keep in RAM. */
export type FollowedBatch = Pick<AppliedBatch, 'changes' | 'changeSeq' | 'embedded' | 'spaceSwitched'>;

/** The vectors in one embedding space, and how many of them each row has. */
export interface SpaceVectors {
  readonly vectors: VectorTable;
  readonly chunks: ChunkCounts;
}

// This many rows take a few milliseconds in one turn of the event loop.
const rowsPerTurn = 1024;

/**
 * The read side of a store: its rules and tables, and the values that every search needs, kept in RAM. The process that writes calls
 * `follow` after each batch. A read-only process calls `refresh` to read what the writer process has committed.
 */
export class ReadModel {
  readonly interning: ReadonlyInterning;
  readonly rowChecksum: Pick<RowChecksum, 'isIntact' | 'checked'>;
  readonly records: MemoryQueries;
  readonly selections: SelectionQueries;
  readonly changes: ChangeQueries;
  readonly derivations: Pick<Derivations, 'ofRow' | 'bySource'>;
  readonly columns = new ColumnStore();
  /** The vectors in the space that searches use. */
  readonly vectors: VectorTable;
  /** The words of every text. */
  readonly postings: Postings;
  readonly #state: StateStore;
  readonly #changedSince: ReturnType<typeof prepareChangedSince>;
  #dataVersion: number;
  #lastSeen = 0;
  /** True if a batch was committed that is not, or only in part, in RAM. */
  #hasMissed = false;
  /** True if a snapshot has replaced the tables, and RAM has not followed it. */
  #isReplaced = false;
  /** The vector counts in the space that the store is about to switch to. They are complete once every row was counted. */
  /** The ceilings with which the trust of the columns was computed: see `Policy.ceilingsText`. */
  #ceilingsText = '';
  readonly #trustPass: TrustPass;
  readonly #retainedRows: RetainedRows;
  /** The retentions with which the times of the columns were computed. */
  #retentions: Policy['retentions'] = [];
  #next: { readonly chunks: ChunkCounts; isComplete: boolean } | undefined;

  /** @param postingBytes The limit of memory for postings. */
  constructor(state: StateStore, postingBytes?: number) {
    const { database, checksum, interning } = state;
    this.#state = state;
    this.interning = interning;
    this.rowChecksum = state.rowChecksum;
    this.records = state.records;
    this.selections = state.selections;
    this.changes = state.changes;
    this.derivations = state.derivations;
    this.vectors = new VectorTable(database, checksum, {
      space: () => interning.currentSpace?.id,
      chunks: () => this.columns.chunks,
    });
    this.postings = new Postings({ read: (term) => state.words.read(term) }, postingBytes);
    this.#changedSince = prepareChangedSince(database);
    this.#trustPass = new TrustPass(database);
    this.#retainedRows = new RetainedRows(database);
    this.#dataVersion = state.dataVersion();
    state.snapshot(() => {
      // Another process may have written since the state was loaded. Rules, labels and rows must come from the same snapshot.
      if (database.readonly) state.reload();
      this.#readAll();
    });
  }

  /** The rules that are in force. */
  get policy(): Policy {
    return this.#state.policy;
  }

  /** The number of the latest change. */
  get lastChangeSeq(): number {
    return this.#state.lastChangeSeq;
  }

  /** The trust of a memory now. */
  trustOf(record: TrustColumns): TrustLevel {
    return this.#state.trustOf(record);
  }

  /** The ids of all memories that are or once were about a user. Includes forgotten memories. */
  idsAbout(userId: string): string[] {
    const rows = this.columns.scoped({ userId }).flatMap((list) => [...list.rows()]);
    const ids = translated(() => rows.flatMap((row) => this.records.placeOf(row)?.id ?? []));
    return [...new Set([...ids, ...this.records.formerIdsAbout(userId)])];
  }

  /** A memory whose time is over, with the id of the retention that has ended it. Undefined for others, and for facts of such memories. */
  endedRow(row: number, now: number): { readonly id: string; readonly retention: string } | undefined {
    if (this.columns.isKept(row, now)) return undefined;
    const columns = translated(() => this.#retainedRows.columnsOf(row));
    const end = columns && this.#state.retention.endOf(columns);
    return columns !== undefined && end !== undefined && end.at <= now
      ? { id: columns.id, retention: end.id }
      : undefined;
  }

  /** What decides how long the memories with rows after `after`, up to `upTo`, are kept. */
  retainedRows(after: number, upTo: number): RetainedRow[] {
    return translated(() => this.#retainedRows.columnsIn(after, upTo));
  }

  /** What decides how long a memory is kept. Undefined if it is forgotten. */
  retainedRow(row: number): RetainedRow | undefined {
    return translated(() => this.#retainedRows.columnsOf(row));
  }

  /**
   * The vectors in one space, even if searches do not use it. Without an id it means the current space. If the store has none yet,
   * it means the first space that the store gets.
   */
  vectorsIn(space?: number): SpaceVectors {
    const { database, checksum, interning, coverage } = this.#state;
    const chunks = new ChunkCounts({ interning, columns: this.columns, coverage }, space);
    return { vectors: new VectorTable(database, checksum, chunks), chunks };
  }

  /**
   * Updates the values in RAM after this process has applied a batch. If that fails, it reads from the tables what it has missed.
   *
   * @throws the error of the failure, even if the values are up to date again
   */
  follow(batch: AppliedBatch): void {
    if (this.#hasMissed) {
      this.readMissed();
      return;
    }
    this.#hasMissed = true;
    try {
      this.#follow(batch);
      this.#hasMissed = false;
    } catch (error) {
      this.readMissed();
      throw error;
    }
  }

  /**
   * Reads from the tables what this process has committed but `follow` could not take over. Each read calls this first, and fails if it
   * fails: outdated values would leave out what was just written, or let what was forgotten into counts and scores.
   */
  readMissed(): void {
    if (!this.#hasMissed) return;
    this.#next = undefined;
    this.postings.clear();
    if (this.#isReplaced) this.replaced();
    else this.#readChanged(() => undefined);
    this.#hasMissed = true;
    this.#readChunks();
    this.#hasMissed = false;
  }

  #follow(batch: AppliedBatch): void {
    const { changes, wordsDamaged, spaceSwitched } = batch;
    const retrusted: number[] = [];
    for (const change of changes) if (this.columns.apply(change)) retrusted.push(change.row);
    this.#followTrust(retrusted);
    this.#followRetention(changes);
    if (spaceSwitched) this.#switchChunks(batch);
    else if (this.#next !== undefined) followIn(this.#next.chunks, batch);
    if (wordsDamaged) this.postings.clear();
    for (const { row, tokensBefore, tokens } of changes) {
      if (tokensBefore !== undefined) this.postings.removed(row, tokensBefore);
      if (tokens !== undefined) this.postings.added(row, tokens);
    }
    this.#lastSeen = batch.changeSeq;
  }

  /** Reads what another process has committed since the last call. Returns undefined if nothing was committed. */
  refresh(): FollowedBatch | undefined {
    const state = this.#state;
    // Rules, labels and rows must come from the same snapshot.
    return state.snapshot(() => {
      const version = state.dataVersion();
      if (version === this.#dataVersion) return undefined;
      const batch = this.#readAgain();
      // This must come last. If a step above fails, the next call repeats all steps, so no read uses outdated rules.
      this.#dataVersion = version;
      return batch;
    });
  }

  /**
   * Follows a snapshot of a later state of the same store, which has replaced the tables. If that fails, the next read tries again.
   */
  replaced(): FollowedBatch {
    // The vectors of the next space in the snapshot were not counted.
    this.#next = undefined;
    this.#hasMissed = true;
    this.#isReplaced = true;
    const batch = this.#state.snapshot(() => {
      this.#state.auditLog.reload();
      return this.#readAgain();
    });
    this.#hasMissed = false;
    this.#isReplaced = false;
    return batch;
  }

  #readAgain(): FollowedBatch {
    const before = this.interning.currentSpace?.id;
    this.#state.reload();
    const isOtherSpace = this.interning.currentSpace?.id !== before;
    if (isOtherSpace) this.#readChunks();
    const changes: RowChange[] = [];
    this.#readChanged((change) => changes.push(change));
    // This process does not know which words were added or removed. Searches read the words again when they need them.
    if (changes.length > 0) this.postings.clear();
    // A store gets its first space with its first vectors. That is not a switch.
    const spaceSwitched = isOtherSpace && before !== undefined;
    return { changes, changeSeq: this.lastChangeSeq, embedded: [], spaceSwitched };
  }

  /** The space whose vectors are being counted, because the store is about to switch to it. */
  get nextSpace(): number | undefined {
    return this.#next?.chunks.space();
  }

  /**
   * Counts the vectors in the space that the store is about to switch to, so that the switch itself is immediate. The counts include
   * batches that are applied while this runs.
   *
   * @throws the signal's reason if the signal is aborted
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

  /** Discards the counts in the next space. */
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
    this.columns.replaceChunks(next.chunks.own());
  }

  #readChunks(): void {
    // The counts go into a new array, because running searches may still use the old array.
    const { chunks } = this.vectorsIn(this.interning.currentSpace?.id);
    chunks.read({ after: 0, upTo: this.columns.last });
    this.columns.replaceChunks(chunks.own());
  }

  /** Reads all rows, when the store is opened. It reads many at once, which is faster than one after another. */
  #readAll(): void {
    const space = this.interning.currentSpace?.id ?? 0;
    const columnsIn = prepareColumnsIn(this.#state.database);
    const last = this.#state.lastRow;
    for (let after = 0; after < last; after += rowsPerTurn) {
      for (const values of columnsIn.all({ space, after, upTo: after + rowsPerTurn })) {
        const columns = columnsOf(values, this.interning);
        const trust = this.#ownTrust(values);
        this.columns.apply(columns === undefined ? { row: values[0], trust } : { row: values[0], columns, trust });
      }
    }
    this.#lastSeen = this.lastChangeSeq;
    this.#ceilingsText = this.policy.ceilingsText;
    if (!this.#state.derivations.isEmpty || this.#areTrustedByOthers()) this.#readTrust();
    this.#followRetention([]);
  }

  /** Follows changes of what limits the time for which memories are kept: that of every row if a retention changed, else that of some. */
  #followRetention(changed: readonly { readonly row: number }[]): void {
    const { retentions } = this.policy;
    const [state, columns] = [this.#state, this.columns];
    if (retentions !== this.#retentions) {
      const hadNone = this.#retentions.length === 0;
      this.#retentions = retentions;
      if (retentions.length > 0) columns.replaceKept(endsOfAll(state, columns));
      else if (!hadNone) this.columns.replaceKept(undefined);
    } else if (retentions.length > 0) {
      const keptUntil = (row: number) => columns.keptUntil(row);
      for (const { row } of changed) columns.setKept(row, endOfRow(state, columns, row, keptUntil));
    }
  }

  /** Whether the trust of a memory may depend on others than its author. */
  #areTrustedByOthers(): boolean {
    const { contributors, endorsements } = this.#state;
    return !contributors.isEmpty || !endorsements.isEmpty;
  }

  /** The trust of a row that was read, without regard to its contributors, endorsements and sources. */
  #ownTrust(values: ColumnValues): TrustLevel {
    return ownTrust(
      { ...this.#state.trustTables, contributors: noActors, endorsements: noActors },
      {
        row: values[0],
        revision: 0,
        state: values[10] === quarantined ? 'quarantined' : 'active',
        label_set: values[1],
        author: values[3],
        source_channel: sourceChannels[values[14]] ?? 'agent',
        trust: values[13],
      },
    );
  }

  /** Computes the trust of every row again. */
  #readTrust(): void {
    const { columns } = this;
    const trust = this.#trustPass.run(this.#state.trustTables, columns.last);
    this.#ceilingsText = this.policy.ceilingsText;
    for (let row = 1; row <= columns.last; row++) {
      if (columns.trust[row] !== 0) columns.setTrust(row, trust[row] as TrustLevel);
    }
  }

  /**
   * Follows changes of trust: that of every row if a ceiling changed, else that of what was made from some rows, directly and in several
   * steps.
   */
  #followTrust(changed: readonly number[]): void {
    if (this.policy.ceilingsText !== this.#ceilingsText) {
      this.#readTrust();
      return;
    }
    const { derivations, trustTables } = this.#state;
    if (changed.length === 0 || derivations.isEmpty) return;
    const reached = new Set(changed);
    try {
      for (const row of reached) {
        for (const made of derivations.bySource(row)) reached.add(made.row);
        if (reached.size > maxFollowedRows) break;
      }
      if (reached.size <= maxFollowedRows) {
        for (const row of reached) {
          const columns = trustTables.trustColumnsOf(row);
          if (columns !== undefined) this.columns.setTrust(row, this.trustOf(columns));
        }
        return;
      }
    } catch (error) {
      // A damaged line: the pass over all rows makes its memory untrusted, and a read of it reports the damage.
      if (!MemoryError.is(error)) throw error;
    }
    this.#readTrust();
  }

  #readChanged(onChange: (change: RowChange) => void): void {
    const space = this.interning.currentSpace?.id ?? 0;
    const changed: { readonly row: number }[] = [];
    for (const line of this.#changedSince.iterate({ change_seq: this.#lastSeen, space })) {
      const change = rowChangeOf(line, this.interning, this.#ownTrust(line as unknown as ColumnValues));
      this.columns.apply(change);
      changed.push(change);
      onChange(change);
    }
    this.#lastSeen = this.lastChangeSeq;
    // The loop leaves out sources, contributors and endorsements.
    if (this.#areTrustedByOthers()) this.#readTrust();
    else this.#followTrust(changed.map(({ row }) => row));
    this.#followRetention(changed);
  }
}

function followIn(next: ChunkCounts, { changes, embedded }: AppliedBatch): void {
  const rows = changes.flatMap(({ row, reindex }) => (reindex ? [row] : []));
  for (const each of embedded) if (each.space === next.space()) rows.push(...each.rows);
  if (rows.length > 0) next.refresh(rows);
}

const columnValues = [
  ...(['row', 'label_set', 'owner', 'author', 'user_id', 'session_id', 'length', 'valid_from', 'expires_at'] as const),
  'priority',
] as const;

/** The values of a row in the order of `columnValues`, and those that `selectColumns` adds. */
type ColumnValues = readonly [
  ...[row: number, labelSet: number, owner: number, author: number, userId: string | null, sessionId: string | null],
  ...[length: number, validFrom: number, expiresAt: number | null, priority: number],
  ...[state: number, tags: string | null, chunks: number, trust: number | null, channel: number],
  ...[createdAt: number, kind: number, pinned: number | null],
];

const [active, forgotten, quarantined] = [1, 2, 3];
const noActors = { ofRow: () => [] };
// More rows than this take as long as a pass over all of them.
const maxFollowedRows = 256;

const channelNumber = placeIn(sourceChannels, 'source_channel');
const kindNumber = placeIn(memoryKinds, 'kind');

/** The place of a column's value in a list, or -1. */
function placeIn(values: readonly string[], column: string) {
  const places = values.map((value, i) => sql`when ${sql.lit(value)} then ${sql.lit(i)}`);
  return sql<number>`case ${sql.ref(column)} ${sql.join(places, sql` `)} else -1 end`;
}

/** Selects what `ColumnStore` keeps. SQLite gives numbers faster than texts, so it compares the texts that most rows have. */
function selectColumns(space: number) {
  return queries
    .selectFrom('memories')
    .select(columnValues)
    .select([
      sql<number>`case state when 'active' then ${sql.lit(active)} when 'forgotten' then ${sql.lit(forgotten)}
          when 'quarantined' then ${sql.lit(quarantined)} else 0 end`.as('state'),
      sql<string | null>`nullif(tags, '[]')`.as('tags'),
      chunksIn(space).as('chunks'),
      'trust',
      channelNumber.as('channel'),
      'created_at',
      kindNumber.as('kind'),
      'pinned',
    ]);
}

/** Undefined if the memory is forgotten. */
function columnsOf(values: ColumnValues, interning: ReadonlyInterning): RowColumns | undefined {
  if (values[10] === forgotten) return undefined;
  // Without `...` and without destructuring, which takes longer than reading the row, for a million rows.
  return rowColumnsOf(
    {
      state: values[10] === active ? 'active' : 'superseded',
      label_set: values[1],
      owner: values[2],
      author: values[3],
      source_channel: sourceChannels[values[14]] ?? 'agent',
      user_id: values[4],
      session_id: values[5],
      tags: values[11] ?? '[]',
      length: values[6],
      valid_from: values[7],
      expires_at: values[8],
      priority: values[9],
      chunks: values[12],
      created_at: values[15],
      kind: memoryKinds[values[16]] ?? '',
      pinned: values[17] === null ? null : 1,
    },
    interning,
  );
}

type ChangedValues = readonly [...ColumnValues, id: string, changeSeq: number];

function rowChangeOf(values: ChangedValues, interning: ReadonlyInterning, trust: TrustLevel): RowChange {
  const [row, id, changeSeq] = [values[0], values[18], values[19]];
  const columns = columnsOf(values.slice(0, 18) as unknown as ColumnValues, interning);
  if (columns === undefined) return { row, id, changeSeq, type: 'forgotten', reindex: true, trust };
  return { row, id, changeSeq, type: 'revised', reindex: true, columns, trust };
}

function prepareChangedSince(database: Database) {
  // Ordered by row, because columns grow at their end and SQLite then reads its pages in order.
  return prepareLists<{ change_seq: number; space: number }, ChangedValues>(database, (p) =>
    selectColumns(p('space')).select(['id', 'change_seq']).where('change_seq', '>', p('change_seq')).orderBy('row'),
  );
}

function prepareColumnsIn(database: Database) {
  return prepareLists<RowRange & { space: number }, ColumnValues>(database, (p) =>
    selectColumns(p('space')).where('row', '>', p('after')).where('row', '<=', p('upTo')).orderBy('row'),
  );
}

interface ChunkCountsDeps {
  readonly interning: ReadonlyInterning;
  readonly columns: ColumnStore;
  readonly coverage: SpaceCoverage;
}

/**
 * Counts the vectors that each row has in one space. If searches use this space, the counts are in `ColumnStore`. Otherwise they are
 * kept here. If the store has no space yet, the counts belong to the first space that it gets.
 */
export class ChunkCounts implements SpaceChunks {
  readonly #deps: ChunkCountsDeps;
  #id: number | undefined;
  #own = new Uint16Array(0);

  constructor(deps: ChunkCountsDeps, id?: number) {
    this.#deps = deps;
    this.#id = id;
  }

  /** Reads the counts for a range of rows. Needed for a space that searches do not use, because its counts are not in RAM yet. */
  read(range: RowRange): void {
    const id = this.space();
    if (id === undefined) return;
    this.#grow();
    for (const line of this.#deps.coverage.chunks(id, range)) this.#own[line.row] = line.chunks;
  }

  /** Reads the counts for these rows again. */
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
    // `ColumnStore` replaces its array when it grows and when the store switches spaces. This keeps the last array for this space.
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

const initialCapacity = 1024;
const highestTrust: TrustLevel = 3;
// The store remembers this many changes. A visible set (the rows that a caller may see) that has missed more is computed again. Computing
// one for 100,000 memories takes as long as about 10,000 changes.
const rememberedChanges = 8_192;

/** A row that changed, with its values before the change. Visible sets that contain the row subtract them from their counts. */
export interface ChangedRow {
  readonly row: number;
  readonly lengthBefore: number;
  readonly chunksBefore: number;
  readonly validFromBefore: number;
  readonly priorityBefore: number;
}

/**
 * The values of each memory that every search needs, in one typed array for each column: 55 bytes a memory. Row 0 is not used. The rows
 * with each label set, user, session, agent and tag are listed, too: 8 bytes for the label set, 12 for each of the next three, and 20 for
 * each tag. So a search takes as long as the memories that its selection is about, and not as long as the store.
 */
export class ColumnStore {
  /** The highest row number in use. */
  last = 0;
  labelSet = new Uint32Array(initialCapacity);
  owner = new Uint32Array(initialCapacity);
  author = new Uint32Array(initialCapacity);
  /** The index of the channel in `sourceChannels`. */
  channel = new Uint8Array(initialCapacity);
  /** 1 for a memory that is neither forgotten nor superseded nor quarantined. */
  active = new Uint8Array(initialCapacity);
  /** The number of vectors in the space that searches use. */
  chunks = new Uint16Array(initialCapacity);
  /** The number of tokens in the text. */
  length = new Uint32Array(initialCapacity);
  validFrom = new Float64Array(initialCapacity);
  /** When a memory expires, or when a retention ends the time for which it is kept, whichever is first. */
  expiresAt = new Float64Array(initialCapacity);
  priority = new Float64Array(initialCapacity);
  createdAt = new Float64Array(initialCapacity);
  /** The index of the kind in `memoryKinds`, plus 1. 0 if the record is damaged and names none. */
  kind = new Uint8Array(initialCapacity);
  pinned = new Uint8Array(initialCapacity);
  /** The trust of the memory or the tombstone, plus 1. 0 for a row that does not exist. */
  trust = new Uint8Array(initialCapacity);
  /** The number of changes to rows so far. */
  changeCount = 0;
  /** Counts how often the times of all rows were replaced. */
  retentionCount = 0;
  /** No time of a row ends before it, in epoch milliseconds. Infinity if no time of a row ends. */
  firstEnd = Number.POSITIVE_INFINITY;
  #kept: KeptTimes | undefined;
  // Ring buffers: the change with number n is at the index n modulo their length.
  readonly #changedRow = new Uint32Array(rememberedChanges);
  readonly #lengthBefore = new Uint32Array(rememberedChanges);
  readonly #chunksBefore = new Uint16Array(rememberedChanges);
  readonly #validFromBefore = new Float64Array(rememberedChanges);
  readonly #priorityBefore = new Float64Array(rememberedChanges);
  /** The value of `changeCount` when `replaceChunks` was last called. */
  #chunksReplacedAt = 0;
  /** The number of rows with each value of `trust`. */
  readonly #withTrust = new Uint32Array(5);
  readonly #privateRows = new Map<number, number>();
  readonly #byLabelSet = new RowLists();
  readonly #users = new FieldRows();
  readonly #sessions = new FieldRows();
  readonly #agents = new FieldRows();
  readonly #tags = new TagRows();

  /** @returns whether the trust of a known row changed */
  apply({ row, columns, trust }: Pick<RowChange, 'row' | 'columns' | 'trust'>): boolean {
    if (row > this.last) {
      this.#grow(row);
      this.last = row;
    }
    this.#remember(row);
    this.#countOwner(this.owner[row] as number, -1);
    this.#list(row, columns);
    if (columns === undefined) this.#clear(row);
    else this.#set(row, columns);
    this.#countOwner(this.owner[row] as number, 1);
    const before = this.trust[row] as number;
    if (trust === undefined && before !== 0) return false;
    this.#putTrust(row, trust ?? highestTrust);
    return before !== 0 && this.trust[row] !== before;
  }

  /** Changes the trust of a row. Sets of visible rows follow, as they do after other changes. */
  setTrust(row: number, trust: TrustLevel): void {
    if (this.trust[row] === trust + 1) return;
    this.#remember(row);
    this.#putTrust(row, trust);
  }

  /** Whether the times for which memories are kept are limited. */
  get hasRetention(): boolean {
    return this.#kept !== undefined;
  }

  /** Whether the time of a row is not over. */
  isKept(row: number, now: number): boolean {
    return this.#kept === undefined || !((this.#kept.until[row] as number) <= now);
  }

  /** The end of the time for which a row is kept. Infinity if there is none. */
  keptUntil(row: number): number {
    return this.#kept?.until[row] ?? Number.POSITIVE_INFINITY;
  }

  /** Replaces the ends of the times of all rows. Undefined if no retention is in force. */
  replaceKept(until: Float64Array<ArrayBuffer> | undefined): void {
    const { last, expiresAt } = this;
    const own = this.#kept?.own ?? expiresAt.slice();
    for (let row = 1; row <= last; row++) expiresAt[row] = Math.min(own[row] as number, until?.[row] ?? Infinity);
    this.#kept = until === undefined ? undefined : { own, until: copy(until, emptyTimes(expiresAt.length)) };
    this.retentionCount++;
    this.findFirstEnd();
  }

  /** Finds the earliest end again, after rows that had it were forgotten. */
  findFirstEnd(): void {
    this.firstEnd = Number.POSITIVE_INFINITY;
    for (let row = 1; row <= this.last; row++) this.firstEnd = Math.min(this.firstEnd, this.keptUntil(row));
  }

  /** Changes the end of the time of a row that has just changed. */
  setKept(row: number, until: number): void {
    if (this.#kept === undefined) return;
    this.#kept.until[row] = until;
    this.firstEnd = Math.min(this.firstEnd, until);
    this.expiresAt[row] = Math.min(this.#kept.own[row] as number, until);
  }

  /** Whether any row has less trust. Otherwise nobody has to look at the trust of single rows. */
  hasBelow(trust: TrustLevel): boolean {
    for (let value = 1; value <= trust; value++) if (this.#withTrust[value] !== 0) return true;
    return false;
  }

  #putTrust(row: number, trust: TrustLevel): void {
    const before = this.trust[row] as number;
    this.#withTrust[before] = (this.#withTrust[before] as number) - 1;
    this.trust[row] = trust + 1;
    this.#withTrust[trust + 1] = (this.#withTrust[trust + 1] as number) + 1;
  }

  /** Keeps the values of a row before a change. */
  #remember(row: number): void {
    const at = this.changeCount++ % rememberedChanges;
    this.#changedRow[at] = row;
    this.#lengthBefore[at] = this.length[row] as number;
    this.#chunksBefore[at] = this.chunks[row] as number;
    this.#validFromBefore[at] = this.validFrom[row] as number;
    this.#priorityBefore[at] = this.priority[row] as number;
  }

  /** The number of memories with one of these label sets, or any number above `limit` if there are more. */
  countInLabelSets(labelSets: Uint32Array, limit: number): number {
    let count = 0;
    for (let i = 0; i < labelSets.length && count <= limit; i++)
      count += this.#byLabelSet.count(labelSets[i] as number);
    return count;
  }

  /** The rows with one of these label sets, in no order. */
  inLabelSets(labelSets: Uint32Array): Uint32Array {
    const rows = new Uint32Array(this.countInLabelSets(labelSets, Number.POSITIVE_INFINITY));
    let at = rows.length;
    for (const labelSet of labelSets) at = this.#byLabelSet.copy(labelSet, rows, at);
    return rows;
  }

  /** The lists of which a scope wants those rows that are in all of them. They do not tell the namespace. */
  scoped({ userId, sessionId, agentId, tags = [] }: ParsedScope): ScopedRows[] {
    const ofField = (field: FieldRows, value: string | undefined) =>
      value === undefined ? [] : [listed(field, value)];
    return [
      ...ofField(this.#users, userId),
      ...ofField(this.#sessions, sessionId),
      ...ofField(this.#agents, agentId),
      ...tags.map((tag) => listed(this.#tags, tag)),
    ];
  }

  /** Whether any memory of the store is in a session. */
  get hasSessions(): boolean {
    return this.#sessions.isUsed;
  }

  /** The number of the `sessionId` of a row; 0 if it has none. It is right until the next change of a row. */
  sessionOf(row: number): number {
    return this.#sessions.numberOf(row);
  }

  /** The number of the `userId` of a row; 0 if it has none. It is right until the next change of a row. */
  userOf(row: number): number {
    return this.#users.numberOf(row);
  }

  /** The rows whose `sessionId` has this number, in no order. */
  inSession(session: number): Uint32Array {
    return this.#sessions.rowsWith(session);
  }

  /** The number of bytes of RAM, without the few that a store always needs. */
  get bytes(): number {
    const { labelSet, owner, author, channel, active, chunks, length, validFrom, expiresAt, priority, trust } = this;
    const { createdAt, kind, pinned } = this;
    const lists = [this.#byLabelSet, this.#users, this.#sessions, this.#agents, this.#tags];
    return (
      bytesOf(labelSet, owner, author, channel, active, chunks, length, validFrom, expiresAt, priority, trust) +
      bytesOf(createdAt, kind, pinned) +
      (this.#kept === undefined ? 0 : bytesOf(this.#kept.own, this.#kept.until)) +
      lists.reduce((sum, { bytes }) => sum + bytes, 0)
    );
  }

  /** Replaces all vector counts, because searches now use another embedding space. */
  replaceChunks(chunks: Uint16Array<ArrayBuffer>): void {
    this.chunks = chunks;
    this.#chunksReplacedAt = ++this.changeCount;
  }

  /** Returns the rows that changed after `changeCount`, oldest first. Undefined if the store does not remember them any more. */
  changedSince(changeCount: number): ChangedRow[] | undefined {
    if (changeCount < this.#chunksReplacedAt || this.changeCount - changeCount > rememberedChanges) return undefined;
    const changed: ChangedRow[] = [];
    for (let i = changeCount; i < this.changeCount; i++) {
      const at = i % rememberedChanges;
      changed.push({
        row: this.#changedRow[at] as number,
        lengthBefore: this.#lengthBefore[at] as number,
        chunksBefore: this.#chunksBefore[at] as number,
        validFromBefore: this.#validFromBefore[at] as number,
        priorityBefore: this.#priorityBefore[at] as number,
      });
    }
    return changed;
  }

  /** Checks whether any row is private to this owner. */
  hasPrivateRows(owner: number): boolean {
    return this.#privateRows.has(owner);
  }

  #countOwner(owner: number, difference: 1 | -1): void {
    if (owner === 0) return;
    const count = (this.#privateRows.get(owner) ?? 0) + difference;
    if (count === 0) this.#privateRows.delete(owner);
    else this.#privateRows.set(owner, count);
  }

  #list(row: number, columns: RowColumns | undefined): void {
    const [before, after] = [this.labelSet[row] as number, columns?.labelSet ?? 0];
    if (before !== after) {
      if (before !== 0) this.#byLabelSet.remove(row, before);
      if (after !== 0) this.#byLabelSet.add(row, after);
    }
    this.#users.set(row, columns?.userId ?? null);
    this.#sessions.set(row, columns?.sessionId ?? null);
    this.#agents.set(row, columns?.agentId ?? null);
    this.#tags.set(row, columns?.tags ?? []);
  }

  #set(row: number, columns: RowColumns): void {
    this.labelSet[row] = columns.labelSet;
    this.owner[row] = columns.owner;
    this.author[row] = columns.author;
    this.channel[row] = columns.channel;
    this.active[row] = columns.active ? 1 : 0;
    this.chunks[row] = columns.chunks;
    this.length[row] = columns.length;
    this.validFrom[row] = columns.validFrom;
    this.expiresAt[row] = columns.expiresAt;
    if (this.#kept !== undefined) this.#kept.own[row] = columns.expiresAt;
    this.priority[row] = columns.priority;
    this.createdAt[row] = columns.createdAt;
    this.kind[row] = columns.kind === undefined ? 0 : memoryKinds.indexOf(columns.kind) + 1;
    this.pinned[row] = columns.pinned ? 1 : 0;
  }

  // A forgotten row has label set 0, which no actor may read.
  #clear(row: number): void {
    for (const column of [this.labelSet, this.owner, this.active, this.chunks, this.length]) column[row] = 0;
    if (this.#kept !== undefined) this.#kept.until[row] = Infinity;
  }

  #grow(row: number): void {
    if (row < this.labelSet.length) return;
    const capacity = Math.max(row + 1, this.labelSet.length * 2);
    this.labelSet = copy(this.labelSet, new Uint32Array(capacity));
    this.owner = copy(this.owner, new Uint32Array(capacity));
    this.author = copy(this.author, new Uint32Array(capacity));
    this.channel = copy(this.channel, new Uint8Array(capacity));
    this.active = copy(this.active, new Uint8Array(capacity));
    this.chunks = copy(this.chunks, new Uint16Array(capacity));
    this.length = copy(this.length, new Uint32Array(capacity));
    this.validFrom = copy(this.validFrom, new Float64Array(capacity));
    this.expiresAt = copy(this.expiresAt, new Float64Array(capacity));
    this.priority = copy(this.priority, new Float64Array(capacity));
    this.createdAt = copy(this.createdAt, new Float64Array(capacity));
    this.kind = copy(this.kind, new Uint8Array(capacity));
    this.pinned = copy(this.pinned, new Uint8Array(capacity));
    this.trust = copy(this.trust, new Uint8Array(capacity));
    if (this.#kept === undefined) return;
    const { own, until } = this.#kept;
    this.#kept = { own: copy(own, emptyTimes(capacity)), until: copy(until, emptyTimes(capacity)) };
  }
}

/** What `ColumnStore` keeps only while a retention is in force: 16 bytes a memory. */
interface KeptTimes {
  /** When each memory expires, without regard to retentions. */
  readonly own: Float64Array<ArrayBuffer>;
  /** When a retention ends the time for which each memory is kept. Infinity if there is none. */
  readonly until: Float64Array<ArrayBuffer>;
}

function emptyTimes(capacity: number): Float64Array<ArrayBuffer> {
  return new Float64Array(capacity).fill(Infinity);
}

/** The rows that have one value, such as one user. */
export interface ScopedRows {
  readonly count: number;
  /** The rows, in no order. */
  rows(): Uint32Array;
  /** Returns whether a row has the value. It is right until the next change of a row. */
  readonly has: (row: number) => boolean;
}

function listed(rows: Pick<FieldRows, 'count' | 'rows' | 'test'>, value: string): ScopedRows {
  return { count: rows.count(value), rows: () => rows.rows(value), has: rows.test(value) };
}

function copy<T extends { set(from: ArrayLike<number>): void }>(from: ArrayLike<number>, to: T): T {
  to.set(from);
  return to;
}
