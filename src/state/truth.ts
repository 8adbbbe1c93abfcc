import type { Database } from 'better-sqlite3';
import type { Policy } from '../access/policy';
import { Trail } from '../audit/trail';
import type { Progress } from '../domain/calls';
import type { Command } from '../domain/command';
import { translated } from '../sqlite/errors';
import { prepare, type Statement } from '../sqlite/statement';
import { type Applied, Applier } from './apply';
import { rowLabels } from './apply-context';
import { ChangeQueries } from './change-queries';
import type { Checksum } from './checksum';
import { Columns } from './columns';
import { DeclarationsTable } from './declarations-table';
import { EmbeddedTable, partsIn } from './embedded';
import { Interning } from './interning';
import { Meta } from './meta';
import { migrate, versionOf } from './migrations';
import { queries } from './queries';
import { RecordQueries } from './record-queries';
import { RecordSeal } from './record-seal';
import { Requests } from './requests';
import type { RowChange } from './row-change';
import { SelectionQueries } from './selection-queries';
import { PartsInSpace } from './space-parts';
import { SubjectQueries } from './subject-queries';
import { Vectors } from './vectors';
import { ensureWords, postingsReader, rebuildWords } from './words';

type LabelRow = Parameters<typeof rowLabels>[0] & { row: number; id: string; entry: number };

/** Everything the store knows, in SQLite, with what every search needs of it in memory. */
export class Truth {
  readonly database: Database;
  readonly checksum: Checksum;
  readonly interning: Interning;
  readonly seal: RecordSeal;
  readonly records: RecordQueries;
  readonly selections: SelectionQueries;
  readonly changes: ChangeQueries;
  readonly columns = new Columns();
  readonly embedded: EmbeddedTable;
  readonly vectors: Vectors;
  readonly meta: Meta;
  readonly declarations: DeclarationsTable;
  /** The chain of changes. */
  readonly audit: Trail;
  readonly subjects: SubjectQueries;
  /** What other processes asked for. */
  readonly requests: Requests;
  readonly readPostings: (term: string) => ArrayLike<number>;
  /** What is known of a space that the store may move to, so that the move need not read it: its owner keeps it fresh. */
  prepared: PartsInSpace | undefined;
  readonly #applier: Applier;
  readonly #labelsAfter: Statement<{ entry: number; space: number }, LabelRow>;
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
    this.seal = new RecordSeal(checksum, this.interning);
    const { columns, interning, seal } = this;
    this.records = new RecordQueries(database, seal);
    this.selections = new SelectionQueries(database, { interning, seal });
    this.changes = new ChangeQueries(database, seal);
    this.embedded = new EmbeddedTable(database);
    this.vectors = new Vectors(database, checksum, {
      space: () => interning.currentSpace?.id,
      parts: () => columns.parts,
    });
    this.meta = new Meta(database);
    this.declarations = new DeclarationsTable(database, checksum);
    this.audit = new Trail(database);
    this.subjects = new SubjectQueries(database);
    this.readPostings = postingsReader(database);
    this.requests = new Requests(database, this);
    this.#applier = new Applier({
      database,
      checksum,
      seal,
      interning: this.interning,
      records: this.records,
      declarations: this.declarations,
      meta: this.meta,
      audit: this.audit,
      embedded: this.embedded,
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
  vectorsIn(space?: number): { vectors: Vectors; parts: PartsInSpace } {
    const parts = new PartsInSpace(this, space);
    return { vectors: new Vectors(this.database, this.checksum, parts), parts };
  }

  /** The number of the latest change. */
  get lastEntry(): number {
    return this.#applier.lastEntry;
  }

  /** How many memories there are, forgotten ones aside. */
  memories(): number {
    return this.#countMemories.get({})?.count ?? 0;
  }

  findIdempotent(author: number, key: string) {
    return this.#applier.findIdempotent(author, key);
  }

  /** Applies a frame of commands in one durable transaction. */
  apply(frame: readonly Command[]): Applied {
    const applied = translated(() => this.#applier.apply(frame));
    for (const change of applied.changes) this.columns.apply(change);
    if (applied.spaceSwitched) this.#switchParts(applied);
    if (applied.damagedWords) rebuildWords(this.database, this.meta);
    this.#lastSeen = this.lastEntry;
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
      if (this.interning.currentSpace?.id !== space) this.#readParts();
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
    for (const line of this.#labelsAfter.iterate({ entry: this.#lastSeen, space })) {
      const forgotten = line.state === 'forgotten';
      const { entry, row, id } = line;
      const change = { entry, row, id, type: forgotten ? ('forgotten' as const) : ('revised' as const), reindex: true };
      const labelled: RowChange = forgotten ? change : { ...change, labels: rowLabels(line) };
      this.columns.apply(labelled);
      if (this.database.readonly) changed.push(labelled);
    }
    this.#lastSeen = this.lastEntry;
    return changed;
  }

  #switchParts({ changes, embedded }: Applied): void {
    const { prepared } = this;
    this.prepared = undefined;
    if (prepared === undefined || prepared.space() !== this.interning.currentSpace?.id) {
      this.#readParts();
      return;
    }
    prepared.refresh([...changes.map(({ row }) => row), ...embedded.flatMap(({ rows }) => rows)]);
    this.columns.parts = prepared.own();
  }

  /** How many vectors each memory has in the space that is searched now. */
  #readParts(): void {
    const { columns, interning } = this;
    // A new array: searches in the space before are still under way.
    const parts = new PartsInSpace(this, interning.currentSpace?.id);
    parts.read({ after: 0, upTo: columns.last });
    columns.parts = parts.own();
  }

  #readDataVersion(): number {
    return this.database.pragma('data_version', { simple: true }) as number;
  }
}

function prepareLabels(database: Database): Statement<{ entry: number; space: number }, LabelRow> {
  const columns = [
    ...(['row', 'id', 'entry', 'state', 'scope', 'owner', 'length', 'valid_from', 'expires_at', 'priority'] as const),
  ];
  // By row: columns grow at their end, and SQLite reads its pages in order.
  return prepare<{ entry: number; space: number }, LabelRow>(
    database,
    (p) =>
      queries
        .selectFrom('memories')
        .select(columns)
        .select(partsIn(p('space')).as('parts'))
        .where('entry', '>', p('entry'))
        .orderBy('row') as never,
  );
}
