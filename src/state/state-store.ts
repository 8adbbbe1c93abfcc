import type { Database } from 'better-sqlite3';
import type { Policy } from '../access/policy';
import { AuditLog } from '../audit/audit-log';
import type { Progress } from '../domain/calls';
import type { Command } from '../domain/command';
import { prepare, type Statement, translated } from '../sqlite/sqlite';
import { type AppliedBatch, Applier } from './apply/applier';
import { type RowChange, rowColumnsOf } from './apply/apply-context';
import { ChunkCounts } from './chunk-counts';
import { ColumnStore } from './column-store';
import { ChangeQueries } from './queries/change-queries';
import { MemoryQueries } from './queries/memory-queries';
import { SelectionQueries } from './queries/selection-queries';
import { SubjectQueries } from './queries/subject-queries';
import { DeclarationsTable } from './tables/declarations-table';
import { chunksIn, EmbeddedTable } from './tables/embedded-table';
import { Interning } from './tables/interning';
import { type Checksum, RowChecksum } from './tables/memory-row';
import { migrate, versionOf } from './tables/migrations';
import { queries } from './tables/schema';
import { StoreMeta } from './tables/store-meta';
import { VectorTable } from './tables/vector-table';
import { ensureWords, postingsReader, rebuildWords } from './tables/words';
import { WriteRequests } from './tables/write-requests';

type LabelRow = Parameters<typeof rowColumnsOf>[0] & { row: number; id: string; change_seq: number };

/** Everything the store knows, in SQLite, with what every search needs of it in memory. */
export class StateStore {
  readonly database: Database;
  readonly checksum: Checksum;
  readonly interning: Interning;
  readonly rowChecksum: RowChecksum;
  readonly records: MemoryQueries;
  readonly selections: SelectionQueries;
  readonly changes: ChangeQueries;
  readonly columns = new ColumnStore();
  readonly embeddedTable: EmbeddedTable;
  readonly vectors: VectorTable;
  readonly meta: StoreMeta;
  readonly declarations: DeclarationsTable;
  /** The chain of changes. */
  readonly auditLog: AuditLog;
  readonly subjects: SubjectQueries;
  /** What other processes asked for. */
  readonly requests: WriteRequests;
  readonly readPostings: (term: string) => ArrayLike<number>;
  /** What is known of a space that the store may move to, so that the move need not read it: its owner keeps it fresh. */
  preparedChunks: ChunkCounts | undefined;
  readonly #applier: Applier;
  readonly #labelsAfter: Statement<{ change_seq: number; space: number }, LabelRow>;
  readonly #countMemories: Statement<object, { count: number }>;
  #dataVersion: number;
  #lastSeen = 0;

  /** Takes the database as it was opened: brought to this release's schema, or checked to have it where it is read-only. */
  constructor(database: Database, checksum: Checksum, onProgress?: (progress: Progress) => void) {
    this.database = database;
    this.checksum = checksum;
    if (database.readonly) versionOf(database);
    else migrate(database);
    this.interning = new Interning(database);
    this.rowChecksum = new RowChecksum(checksum, this.interning);
    const { columns, interning, rowChecksum } = this;
    this.records = new MemoryQueries(database, rowChecksum);
    this.selections = new SelectionQueries(database, { interning, rowChecksum });
    this.changes = new ChangeQueries(database, rowChecksum);
    this.embeddedTable = new EmbeddedTable(database);
    this.vectors = new VectorTable(database, checksum, {
      space: () => interning.currentSpace?.id,
      chunks: () => columns.chunks,
    });
    this.meta = new StoreMeta(database);
    this.declarations = new DeclarationsTable(database, checksum);
    this.auditLog = new AuditLog(database);
    this.subjects = new SubjectQueries(database);
    this.readPostings = postingsReader(database);
    this.requests = new WriteRequests(database, this);
    this.#applier = new Applier({
      database,
      checksum,
      rowChecksum,
      interning: this.interning,
      records: this.records,
      declarations: this.declarations,
      meta: this.meta,
      auditLog: this.auditLog,
      embeddedTable: this.embeddedTable,
      requests: this.requests,
    });
    this.#labelsAfter = prepareLabels(database);
    this.#countMemories = prepare(database, () =>
      queries
        .selectFrom('memories')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('state', '!=', 'forgotten'),
    );
    this.#dataVersion = this.#readDataVersion();
    if (!database.readonly) ensureWords(database, this.meta, onProgress);
    this.#follow();
  }

  get policy(): Policy {
    return this.#applier.policy;
  }

  /** The vectors in one space, whatever the store does with it; without a number, in the space that it has, or gets first. */
  vectorsIn(space?: number): { vectors: VectorTable; chunks: ChunkCounts } {
    const chunks = new ChunkCounts(this, space);
    return { vectors: new VectorTable(this.database, this.checksum, chunks), chunks };
  }

  /** The number of the latest change. */
  get lastChangeSeq(): number {
    return this.#applier.lastChangeSeq;
  }

  /** How many memories there are, forgotten ones aside. */
  memoryCount(): number {
    return this.#countMemories.get({})?.count ?? 0;
  }

  findIdempotent(author: number, key: string) {
    return this.#applier.findIdempotent(author, key);
  }

  /** Applies a batch of commands in one durable transaction. */
  apply(batch: readonly Command[]): AppliedBatch {
    const applied = translated(() => this.#applier.apply(batch));
    for (const change of applied.changes) this.columns.apply(change);
    if (applied.spaceSwitched) this.#switchChunks(applied);
    if (applied.wordsDamaged) rebuildWords(this.database, this.meta);
    this.#lastSeen = this.lastChangeSeq;
    return applied;
  }

  /** What another process has changed since: its rows, with their labels now. Empty for the process that writes. */
  refresh(): RowChange[] {
    // One snapshot: rules, labels and rows of different moments would not fit together.
    return this.snapshot(() => {
      const version = this.#readDataVersion();
      if (version === this.#dataVersion) return [];
      const space = this.interning.currentSpace?.id;
      this.#applier.reload();
      if (this.interning.currentSpace?.id !== space) this.#readChunks();
      const changed = this.#follow();
      // Only now: where this fails, the next call tries again, and nothing is answered by the rules from before.
      this.#dataVersion = version;
      return changed;
    });
  }

  /** Runs reads that belong together, on one snapshot. */
  snapshot<T>(read: () => T): T {
    return translated(this.database.inTransaction ? read : this.database.transaction(read));
  }

  #follow(): RowChange[] {
    const changed: RowChange[] = [];
    const space = this.interning.currentSpace?.id ?? 0;
    for (const line of this.#labelsAfter.iterate({ change_seq: this.#lastSeen, space })) {
      const forgotten = line.state === 'forgotten';
      const { change_seq: changeSeq, row, id } = line;
      const change = {
        changeSeq,
        row,
        id,
        type: forgotten ? ('forgotten' as const) : ('revised' as const),
        reindex: true,
      };
      const labelled: RowChange = forgotten ? change : { ...change, columns: rowColumnsOf(line) };
      this.columns.apply(labelled);
      if (this.database.readonly) changed.push(labelled);
    }
    this.#lastSeen = this.lastChangeSeq;
    return changed;
  }

  #switchChunks({ changes, embedded }: AppliedBatch): void {
    const { preparedChunks } = this;
    this.preparedChunks = undefined;
    if (preparedChunks === undefined || preparedChunks.space() !== this.interning.currentSpace?.id) {
      this.#readChunks();
      return;
    }
    preparedChunks.refresh([...changes.map(({ row }) => row), ...embedded.flatMap(({ rows }) => rows)]);
    this.columns.chunks = preparedChunks.own();
  }

  /** How many vectors each memory has in the space that is searched now. */
  #readChunks(): void {
    const { columns, interning } = this;
    // A new array: searches in the space before are still under way.
    const chunks = new ChunkCounts(this, interning.currentSpace?.id);
    chunks.read({ after: 0, upTo: columns.last });
    columns.chunks = chunks.own();
  }

  #readDataVersion(): number {
    return this.database.pragma('data_version', { simple: true }) as number;
  }
}

function prepareLabels(database: Database): Statement<{ change_seq: number; space: number }, LabelRow> {
  const columns = [
    ...([
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
    ] as const),
  ];
  // By row: columns grow at their end, and SQLite reads its pages in order.
  return prepare<{ change_seq: number; space: number }, LabelRow>(
    database,
    (p) =>
      queries
        .selectFrom('memories')
        .select(columns)
        .select(chunksIn(p('space')).as('chunks'))
        .where('change_seq', '>', p('change_seq'))
        .orderBy('row') as never,
  );
}
