import type { Database } from 'better-sqlite3';
import type { Policy } from '../access/policy';
import { AuditLog } from '../audit/audit-log';
import { segmentLength } from '../audit/merkle';
import type { Progress } from '../domain/calls';
import type { StoreCluster } from '../domain/cluster-membership';
import type { Command, Idempotency, MemoryDraft, Outcome, Stamp } from '../domain/command';
import type { StoredDeclaration } from '../domain/declaration';
import { invalidInput, MemoryError } from '../domain/errors';
import type { EntryResult, LogEntry, LogPosition } from '../domain/frame';
import type { RememberResult } from '../domain/memory';
import { type Actor, isRoot } from '../domain/principal';
import type { TrustLevel } from '../domain/trust';
import { analyze } from '../keyword-index/analyzer';
import { inTransaction, prepare, type Statement, translated } from '../sqlite/sqlite';
import { ChangesAudit, TouchedByNamespace } from './apply/apply-audit';
import { applyBootstrap } from './apply/apply-bootstrap';
import { applyConsolidate, applyUndoConsolidation } from './apply/apply-consolidate';
import type { ApplyContext, RowChange } from './apply/apply-context';
import { addDeclaration, declare, endDeclaration } from './apply/apply-declaration';
import { applyEndorse } from './apply/apply-endorse';
import { applyForget } from './apply/apply-forget';
import { ApplyHalt, haltFrom, isRefusal } from './apply/apply-halt';
import { isHeld } from './apply/apply-hold';
import { applyIncident } from './apply/apply-incident';
import { applyLease } from './apply/apply-lease';
import { applyLifecycle } from './apply/apply-lifecycle';
import { assertWithinQuota } from './apply/apply-quota';
import { applyRemember, findDuplicate } from './apply/apply-remember';
import { applyRetire } from './apply/apply-retire';
import { applyShare } from './apply/apply-share';
import { beginSpace, dropSpace, type EmbeddedRows, embedRows, switchSpace } from './apply/apply-space';
import { applySpend } from './apply/apply-spend';
import { applyUpdate } from './apply/apply-update';
import { CeilingLookup } from './apply/ceiling-lookup';
import { applyEntry, type EntryApplierDeps } from './apply/entry-applier';
import { RetentionLookup } from './apply/retention-lookup';
import { TableWriter } from './apply/table-writer';
import { effectiveTrust, type TrustColumns, type TrustTables } from './apply/trust';
import { ChangeQueries } from './queries/change-queries';
import { ContainmentQueries } from './queries/containment-queries';
import { MemoryQueries } from './queries/memory-queries';
import { SelectionQueries } from './queries/selection-queries';
import { contentBytes, QuotaUsage, type RevisionBytes } from './quota-usage';
import { StoredCounts } from './stored-counts';
import type { Checksum } from './tables/checksum';
import { ClusterMemberships } from './tables/cluster-membership';
import { Contributors } from './tables/contributors';
import { Declarations } from './tables/declarations';
import { Derivations } from './tables/derivations';
import { Endorsements } from './tables/endorsements';
import { NameTables } from './tables/erased-names';
import { Erasures } from './tables/erasures';
import { Holds } from './tables/holds';
import { Incidents } from './tables/incidents';
import { Interning } from './tables/interning';
import { LogPositions } from './tables/log-position';
import { type MemoryRow, memoryOf, RowChecksum } from './tables/memory-row';
import { isOutdated, migrate, schemaVersion, versionOf } from './tables/migrations';
import { areNamesSealed, sealNames } from './tables/name-rows';
import { ensureNormalNames } from './tables/normal-names';
import { Receipts } from './tables/receipts';
import { queries, type Tables } from './tables/schema';
import { SpaceCoverage } from './tables/space-coverage';
import { storeKeyOf } from './tables/store-key';
import { copyMark, StoreMeta } from './tables/store-meta';
import { Words } from './tables/words';
import { WriteRequests } from './tables/write-requests';
import type { TrustPassTables } from './trust-pass';

/** The effects of one batch, after its commit. */
export interface AppliedBatch {
  /** One outcome for each command, in the order of the commands. */
  readonly outcomes: readonly Outcome[];
  /** The changes to memories, in the order in which they were made. */
  readonly changes: readonly RowChange[];
  /** The number of the store's latest change. */
  readonly changeSeq: number;
  /** True if the keyword index is damaged. `rebuildWords` repairs it. */
  readonly wordsDamaged: boolean;
  /** True if searches use another embedding space from now on. */
  readonly spaceSwitched: boolean;
  /** Memories from earlier batches that now also have vectors in a space that searches do not use yet. */
  readonly embedded: readonly EmbeddedRows[];
}

interface BatchEffects {
  readonly changes: RowChange[];
  readonly embedded: EmbeddedRows[];
  wordsDamaged: boolean;
  spaceSwitched: boolean;
}

/** The effects of one entry of a log with several peers, after its commit. */
export interface AppliedEntry extends AppliedBatch {
  readonly result: EntryResult;
  readonly position: LogPosition;
}

/** What the command that is being applied has done so far. */
interface AppliedCommand {
  readonly changes: RowChange[];
  readonly touched: TouchedByNamespace;
  readonly effects: BatchEffects;
}

/** The rules are those at the beginning of the command, even if the command changes them. */
type CommandContext = Omit<ApplyContext, 'policy'> & { policy: Policy };

type CommandOf<T extends Command['type']> = Extract<Command, { readonly type: T }>;
type NewContent = Pick<MemoryDraft, 'namespace' | 'tags' | 'text' | 'metadata'>;
type Idempotent = Pick<Tables['idempotency'], 'digest' | 'id' | 'revision'>;

/**
 * The state of a store: its tables in SQLite, and `apply`, the only function that changes them. `apply` uses no clock, no randomness
 * and no network, so the same commands always give the same state.
 */
export class StateStore {
  readonly database: Database;
  readonly checksum: Checksum;
  readonly interning: Interning;
  readonly rowChecksum: RowChecksum;
  readonly records: MemoryQueries;
  readonly selections: SelectionQueries;
  readonly changes: ChangeQueries;
  readonly coverage: SpaceCoverage;
  readonly meta: StoreMeta;
  /** The ids of memories whose keys got a suffix when this process opened the store (see `ensureNormalNames`). */
  readonly renamedKeys: readonly string[];
  readonly declarations: Declarations;
  readonly derivations: Derivations;
  readonly contributors: Contributors;
  readonly endorsements: Endorsements;
  readonly incidents: Incidents;
  /** Finds the memories that a selection contains. */
  readonly containment: ContainmentQueries;
  /** The legal holds, and what was forgotten under them. */
  readonly holds: Holds;
  /** The erasures, and what waits for the end of a hold. */
  readonly erasures: Erasures;
  /** The receipts of the erasures. */
  readonly receipts: Receipts;
  /** The audit chain of changes. */
  readonly auditLog: AuditLog;
  /** Writes that other processes requested. */
  readonly requests: WriteRequests;
  /** The keyword index. */
  readonly words: Words;
  /** What the trust of memories depends on. Records are read without checks. */
  readonly trustTables: TrustPassTables;
  /** How long memories are kept. */
  readonly retention: RetentionLookup;
  readonly #ceilings: CeilingLookup;
  readonly #memberships: ClusterMemberships;
  readonly #writer: TableWriter;
  readonly #audit: ChangesAudit;
  readonly #context: CommandContext;
  readonly #findIdempotent: Statement<{ author: number; key: string }, Idempotent>;
  readonly #rowOf: Statement<{ id: string }, { row: number }>;
  readonly #lastChangeOf: Statement<{ row: number }, Tables['changes']>;
  readonly #countMemories: Statement<object, { count: number }>;
  #policy: Policy;
  /** True while an entry of a log with several peers is applied. */
  #hasPeers = false;
  #positions: LogPositions | undefined;
  #membership: StoreCluster | undefined;
  #command: AppliedCommand = { changes: [], touched: new TouchedByNamespace(), effects: newEffects() };
  /** True if this object may keep more in RAM than the tables contain, because a transaction was rolled back. */
  #isAhead = false;
  /** What each actor uses. Undefined until a quota needs it. */
  #usage: QuotaUsage | undefined;
  #storedCounts: StoredCounts | undefined;
  #isUsageChecked = false;
  #lastRow = 0;
  #lastChangeSeq = 0;
  /** The latest number that was used for a change, or for vectors in another space. Both share one sequence. */
  #lastSeq = 0;

  /**
   * Migrates the database to this release's schema. A database that was opened read-only must already have this schema.
   *
   * @throws STORE_NEWER, RECORD_DAMAGED
   */
  constructor(database: Database, checksum: Checksum, onProgress?: (progress: Progress) => void) {
    this.database = database;
    this.checksum = checksum;
    if (database.readonly) assertCurrent(database);
    else migrate(database);
    this.meta = new StoreMeta(database);
    if (!database.readonly) sealNames(database, this.meta, checksum);
    else if (!areNamesSealed(this.meta)) throw needsMigration(database);
    this.renamedKeys = database.readonly ? [] : ensureNormalNames(database, this.meta, checksum);
    this.interning = new Interning(database, checksum);
    this.rowChecksum = new RowChecksum(checksum, this.interning);
    this.records = new MemoryQueries(database, this.rowChecksum);
    this.selections = new SelectionQueries(database, this);
    this.changes = new ChangeQueries(database, this.rowChecksum);
    this.coverage = new SpaceCoverage(database);
    this.declarations = new Declarations(database, checksum);
    this.derivations = new Derivations(database, checksum);
    this.contributors = new Contributors(database, checksum, this.interning);
    this.endorsements = new Endorsements(database, checksum, this.interning);
    this.incidents = new Incidents(database, checksum);
    this.containment = new ContainmentQueries(database, this);
    this.holds = new Holds(database, checksum, this.rowChecksum);
    this.erasures = new Erasures(database, checksum);
    this.receipts = new Receipts(database, checksum);
    this.auditLog = new AuditLog(database);
    this.requests = new WriteRequests(database, this);
    this.words = new Words(database, this.meta, checksum);
    this.#memberships = new ClusterMemberships(database, checksum);
    this.#membership = this.#memberships.get();
    this.#writer = new TableWriter(database, checksum);
    this.#audit = new ChangesAudit(this.auditLog);
    this.#findIdempotent = prepare(database, (p) =>
      queries
        .selectFrom('idempotency')
        .select(['digest', 'id', 'revision'])
        .where('author', '=', p('author'))
        .where('key', '=', p('key')),
    );
    this.#rowOf = prepare(database, (p) => queries.selectFrom('memories').select('row').where('id', '=', p('id')));
    this.#lastChangeOf = prepare(database, (p) =>
      queries.selectFrom('changes').selectAll().where('row', '=', p('row')).orderBy('revision', 'desc').limit(1),
    );
    this.#countMemories = prepare(database, () =>
      queries
        .selectFrom('memories')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('state', '!=', 'forgotten'),
    );
    this.#policy = this.declarations.policy();
    this.#ceilings = new CeilingLookup(this.interning, () => this.#policy);
    this.retention = new RetentionLookup(this.interning, () => this.#policy);
    this.trustTables = this.#newTrustTables((row) => this.records.trustColumnsOf(row));
    this.#context = this.#newContext();
    this.#readCounters();
    assertRowNumbers(database, this.#lastRow);
    if (!database.readonly) this.words.complete(onProgress);
  }

  /**
   * The rules that are in force.
   *
   * @throws if a batch failed and the tables still cannot be read again: the error from that read. Outdated rules are never used.
   */
  get policy(): Policy {
    this.#recover();
    return this.#policy;
  }

  /** The highest number of a row. */
  get lastRow(): number {
    return this.#lastRow;
  }

  /** The number of the latest change. */
  get lastChangeSeq(): number {
    return this.#lastChangeSeq;
  }

  /** The number of memories, without the forgotten ones. */
  memoryCount(): number {
    return this.#countMemories.get({})?.count ?? 0;
  }

  /** Reads a number that changes when another connection commits to the database. */
  dataVersion(): number {
    return this.database.pragma('data_version', { simple: true }) as number;
  }

  /**
   * Looks up the result of an earlier call by this actor with the same idempotency key.
   *
   * @throws IDEMPOTENCY_CONFLICT if the earlier call had other content
   */
  findDuplicate(actor: Actor, idempotency: Idempotency): RememberResult | undefined {
    return findDuplicate(this, { idempotency }, this.interning.findActor(actor));
  }

  /**
   * Checks before a new memory is embedded that it fits into the quotas of its author. `apply` checks again, and its decision is the
   * final one.
   *
   * @throws QUOTA_EXCEEDED
   */
  assertFits(stamp: Pick<Stamp, 'by' | 'quotas'>, { namespace, tags, text, metadata }: NewContent): void {
    const context = { interning: this.interning, countUsage: () => this.usage() };
    assertWithinQuota(context, stamp, {
      author: stamp.by,
      after: { namespaceId: this.interning.findNamespace(namespace), tags },
      bytes: contentBytes({ text, metadata: JSON.stringify(metadata) }),
    });
  }

  findIdempotent(author: number, key: string): Idempotent | undefined {
    return this.#findIdempotent.get({ author, key });
  }

  /** Checks whether a legal hold concerns a memory, or one of its earlier revisions. */
  isHeld(record: MemoryRow): boolean {
    return isHeld(this.#context, record);
  }

  /** The trust of a memory now. */
  trustOf(record: TrustColumns): TrustLevel {
    return effectiveTrust(this.trustTables, record);
  }

  /** Runs several reads on one snapshot of the database. */
  snapshot<T>(read: () => T): T {
    return translated(() => (this.database.inTransaction ? read() : inTransaction(this.database, read)));
  }

  /**
   * Applies a batch of commands in one durable transaction. If a command is refused, none of its changes are kept, and the other
   * commands are not affected.
   *
   * @throws CLUSTER_MISMATCH if the store belongs to a cluster, whose other members would not get the commands
   */
  apply(batch: readonly Command[]): AppliedBatch {
    assertAlone(this.#membership);
    const effects = newEffects();
    const outcomes = translated(() => this.#inTransaction(() => batch.map((each) => this.#attempt(each, effects))));
    effects.wordsDamaged ||= this.words.isDamaged;
    return { outcomes, changeSeq: this.#lastChangeSeq, ...effects };
  }

  /**
   * Applies an entry of a log with several peers, in one transaction. All peers get the same result, so a peer does not refuse a command
   * because its own disk is damaged or full: it stops instead, and keeps nothing of the entry.
   *
   * @throws ApplyHalt; STORE_BUSY if another program locks the database
   */
  applyEntry(entry: LogEntry): AppliedEntry {
    const effects = newEffects();
    this.#hasPeers = true;
    this.rowChecksum.onDamage = (id) => {
      throw new ApplyHalt(`the record of memory ${id} does not match its checksum.`);
    };
    try {
      if (this.interning.hasDamagedNames) throw new ApplyHalt('a name in the database does not match its checksum.');
      const deps = this.#entryApplierDeps(effects);
      const { result, position } = translated(() => this.#inTransaction(() => applyEntry(deps, entry)));
      if (entry.membership !== undefined) this.#membership = this.#memberships.get();
      const outcomes = result.type === 'applied' ? result.outcomes : [];
      effects.wordsDamaged ||= this.words.isDamaged;
      return { outcomes, changeSeq: this.#lastChangeSeq, ...effects, result, position };
    } catch (error) {
      throw haltFrom(error);
    } finally {
      this.#hasPeers = false;
      this.rowChecksum.onDamage = undefined;
    }
  }

  /** The position of the last entry that `applyEntry` has applied. The index is 0 in a store without peers. */
  logPosition(): LogPosition {
    return this.#logPositions().get();
  }

  /** The cluster to which the store belongs. Undefined if it is alone. */
  get membership(): StoreCluster | undefined {
    return this.#membership;
  }

  /**
   * Makes this store, with all its content, the beginning of a cluster. The log begins behind entry 1, which stands for the content. So a
   * member that has nothing never begins with the log: it gets the content first.
   *
   * @throws CLUSTER_MISMATCH if the store belongs to a cluster already
   */
  foundCluster(founded: Omit<StoreCluster, 'index'>): void {
    assertAlone(this.#membership);
    const digest = this.checksum.ofText(`founded ${founded.cluster}`);
    translated(() =>
      this.#inTransaction(() => {
        this.#memberships.put({ ...founded, index: foundingPlace.index });
        this.#logPositions().put({ ...foundingPlace, digest });
      }),
    );
    this.#membership = this.#memberships.get();
  }

  /** Made when it is needed, because a store without peers never needs it. */
  #logPositions(): LogPositions {
    this.#positions ??= new LogPositions(this.database);
    return this.#positions;
  }

  #entryApplierDeps(effects: BatchEffects): EntryApplierDeps {
    return {
      positions: this.#logPositions(),
      memberships: this.#memberships,
      checksum: this.checksum,
      apply: (command) => this.#attempt(command, effects),
      state: () => ({
        changes: effects.changes,
        embedded: effects.embedded,
        policyVersion: this.#policy.version,
        labelSets: this.interning.labelSetCount,
        actors: this.interning.actorCount,
        auditHash: this.auditLog.chain.lastHash,
      }),
    };
  }

  /** Reads the tables again to replace everything that this object keeps in RAM. */
  reload(): void {
    this.#usage = undefined;
    this.#isUsageChecked = false;
    this.#membership = this.#memberships.get();
    this.#reloadTables();
  }

  #reloadTables(): void {
    this.#storedCounts = undefined;
    this.interning.reload();
    this.#ceilings.clear();
    this.retention.clear();
    this.derivations.reload();
    this.contributors.reload();
    this.endorsements.reload();
    this.holds.reload();
    this.words.reload();
    if (this.declarations.version !== this.#policy.version) this.#policy = this.declarations.policy();
    this.#readCounters();
  }

  /** After a rollback, reads everything again that this object keeps in RAM. */
  #recover(): void {
    if (!this.#isAhead) return;
    this.reload();
    this.auditLog.reload();
    this.#isAhead = false;
  }

  #inTransaction<T>(run: () => T): T {
    this.#recover();
    let hasBegun = false;
    const running = () => {
      hasBegun = true;
      return run();
    };
    try {
      return inTransaction(this.database, running, 'immediate');
    } catch (error) {
      // Another program locks the database: nothing has changed in memory.
      if (!hasBegun) throw error;
      this.#isAhead = true;
      try {
        this.#recover();
      } catch {
        // The next command or read tries again, and gets the error of its attempt.
      }
      throw error;
    }
  }

  #attempt(command: Command, effects: BatchEffects): Outcome {
    const { request, at } = command.stamp;
    if (this.#hasPeers && request !== undefined) this.requests.assertIntactTime();
    const known = request && this.requests.outcomeOf(request);
    if (known !== undefined) return known;
    const changes: RowChange[] = [];
    const touched = new TouchedByNamespace();
    this.#command = { changes, touched, effects };
    const policy = this.#policy;
    this.#context.policy = policy;
    this.interning.aliasSeed = command.stamp.seed;
    const audited = (outcome: Outcome): Outcome => {
      this.#audit.record(command, outcome, touched, { policy, changeSeq: this.#lastChangeSeq });
      return outcome;
    };
    try {
      const needsSavepoint = isOfSeveralSteps(command);
      const run = () => this.#dispatch(command, this.#context, effects);
      const outcome = needsSavepoint ? inTransaction(this.database, run) : run();
      effects.changes.push(...changes);
      this.#usage?.end(true);
      if (request !== undefined && outcome.ok) this.requests.keep(request, outcome, at);
      return audited(outcome);
    } catch (error) {
      if (!MemoryError.is(error)) throw error;
      if (this.#hasPeers && !isRefusal(error)) throw haltFrom(error);
      this.#usage?.end(false);
      if (changes.length > 0 || severalSteps.has(command.type)) this.#reloadTables();
      return audited({ ok: false, error });
    }
  }

  #dispatch(command: Command, context: ApplyContext, effects: BatchEffects): Outcome {
    const { stamp, type } = command;
    switch (type) {
      case 'bootstrap':
        applyBootstrap(this.meta, command.storeKey, storeKeyOf(this) === undefined, stamp);
        return { ok: true, type };
      case 'remember':
        return { ok: true, type, remembered: command.drafts.map((draft) => applyRemember(context, draft, stamp)) };
      case 'update':
      case 'share':
      case 'endorse': {
        const row = revisionBy(context, command);
        return { ok: true, type, memory: memoryOf(row, this.interning, this.trustOf(row)) };
      }
      case 'forget':
        return { ok: true, type, forgotten: applyForget(context, command.ids, command.ifRevision, stamp) };
      case 'consolidate':
        return { ok: true, type, facts: applyConsolidate(context, command, stamp) };
      case 'undo-consolidation':
        return { ok: true, type, ...applyUndoConsolidation(context, command.id, stamp) };
      case 'spend':
        return { ok: true, type, isWithin: applySpend(this.meta, command, stamp) };
      case 'begin-space':
        beginSpace(context, command.space, stamp);
        return { ok: true, type };
      case 'embed': {
        const embedded = embedRows(context, command.space, command.memories, stamp);
        effects.embedded.push(embedded);
        return { ok: true, type, embedded: embedded.rows.length };
      }
      case 'switch-space': {
        const switched = switchSpace(context, command.space, command.checkedThrough, stamp);
        effects.spaceSwitched ||= switched;
        return { ok: true, type, switched };
      }
      case 'drop-space':
        dropSpace(context, command.space, command, stamp);
        return { ok: true, type };
      case 'declare':
        declare(context, command, stamp);
        return { ok: true, type };
      case 'add-declaration':
        return { ok: true, type, declared: addDeclaration(context, command.added, stamp) };
      case 'end-declaration':
        return { ok: true, type, ended: endDeclaration(context, command.id, stamp) };
      case 'contain':
      case 'release':
      case 'revert':
        return applyIncident(context, command);
      case 'epoch':
        assertMaintainsAudit(stamp);
        this.meta.put(copyMark, 0);
        return { ok: true, type };
      case 'lease':
        return { ok: true, type, lease: applyLease(this.meta, command, stamp) };
      case 'hold':
      case 'release-hold':
      case 'erase':
      case 'finish-erasure':
      case 'keep-receipt':
        return applyLifecycle(context, command);
      case 'retire':
        return { ok: true, type, forgotten: applyRetire(context, command.retention, command.ids, stamp) };
      case 'retain':
        assertMaintainsAudit(stamp);
        assertEndOfSegment(this.auditLog, command.upTo);
        return { ok: true, type, dropped: this.auditLog.chain.drop(command.upTo) };
    }
  }

  #newTrustTables(trustColumnsOf: TrustTables['trustColumnsOf']) {
    const { interning, derivations, contributors, endorsements } = this;
    return { ceilings: this.#ceilings, interning, derivations, contributors, endorsements, trustColumnsOf };
  }

  /** The context of every command. It is made once, because making twenty functions takes longer than most steps of a command. */
  #newContext(): CommandContext {
    // With peers, damage to a source must not decide about the trust of what is made from it.
    const checkedTables = this.#newTrustTables((row) => this.records.tombstoneOrRecordOfRow(row));
    return {
      policy: this.#policy,
      meta: this.meta,
      interning: this.interning,
      records: this.records,
      writer: this.#writer,
      words: this.words,
      rowChecksum: this.rowChecksum,
      coverage: this.coverage,
      derivations: this.derivations,
      contributors: this.contributors,
      endorsements: this.endorsements,
      trustOf: (record) => effectiveTrust(checkedTables, record),
      changes: this.changes,
      incidents: this.incidents,
      containment: this.containment,
      holds: this.holds,
      erasures: this.erasures,
      names: new NameTables(this.database, this),
      database: this.database,
      receipts: this.receipts,
      retention: this.retention,
      earlierRevisions: (record) => this.#earlierRevisions(record),
      usage: () => this.#usage,
      storedCounts: () => this.#storedCounts,
      countStored: () => this.#countStored(),
      discardStoredCounts: () => {
        this.#storedCounts = undefined;
      },
      countUsage: () => this.usage(),
      discardUsage: () => {
        this.#usage = undefined;
      },
      revisionBytes: (record) => this.#revisionBytes(record),
      isStored: (id) => this.#rowOf.get({ id }) !== undefined,
      isDeclared: (id) => this.declarations.isTaken(id),
      convertPolicy: (convert) => {
        this.declarations.replace(convert);
        this.#policy = this.declarations.policy();
      },
      changePolicy: (added, ended, at) => this.#changePolicy(added, ended, at),
      lastChangeOf: (row) => this.#lastChangeOf.get({ row }),
      findIdempotent: (author, key) => this.findIdempotent(author, key),
      analyze,
      nextRow: () => ++this.#lastRow,
      nextChangeSeq: () => {
        this.#lastChangeSeq = ++this.#lastSeq;
        return this.#lastChangeSeq;
      },
      lastChangeSeq: () => this.#lastChangeSeq,
      nextSeq: () => ++this.#lastSeq,
      report: (change) => this.#command.changes.push(change),
      touch: (id, namespace) => this.#command.touched.touch(id, namespace),
      reportDamagedWords: () => {
        this.#command.effects.wordsDamaged = true;
      },
    };
  }

  #countStored(): StoredCounts {
    this.#assertCountable();
    this.#storedCounts ??= new StoredCounts(this.database);
    return this.#storedCounts;
  }

  /** What each actor uses, for quotas. Counts it from the tables if nothing has needed it yet. */
  usage(): QuotaUsage {
    this.#assertCountable();
    this.#usage ??= new QuotaUsage(this.database, this.interning);
    return this.#usage;
  }

  /** With peers, damage to what is counted must not decide about a command. */
  #assertCountable(): void {
    if (!this.#hasPeers || this.#isUsageChecked) return;
    this.#assertIntactContents();
    this.#usage = undefined;
    this.#storedCounts = undefined;
    this.#isUsageChecked = true;
  }

  /**
   * Checks everything that quotas count. With peers a damaged tag of one of them must not decide about a write. It runs once after a start,
   * if the store has quotas.
   *
   * @throws RECORD_DAMAGED
   */
  #assertIntactContents(): void {
    for (let row = 1; row <= this.#lastRow; row++) this.records.byRow(row);
    const revisions = this.database.prepare('select row, revision from revisions').raw().all() as [number, number][];
    for (const [row, revision] of revisions) this.changes.revision(row, revision);
  }

  #earlierRevisions({ row, revision }: MemoryRow): (MemoryRow | undefined)[] {
    return Array.from({ length: revision - 1 }, (_, i) => {
      try {
        return this.changes.revision(row, i + 1);
      } catch (error) {
        if (!this.#hasPeers && MemoryError.is(error) && error.code === 'RECORD_DAMAGED') return undefined;
        throw error;
      }
    });
  }

  #revisionBytes(record: MemoryRow): RevisionBytes[] | undefined {
    try {
      return this.changes.ofRecord(record).map(({ revision, by }) => {
        const content = revision === record.revision ? record : this.changes.revision(record.row, revision);
        return { by, bytes: content === undefined ? 0 : contentBytes(content) };
      });
    } catch (error) {
      if (!this.#hasPeers && MemoryError.is(error) && error.code === 'RECORD_DAMAGED') return undefined;
      throw error;
    }
  }

  #changePolicy(added: readonly StoredDeclaration[], ended: readonly StoredDeclaration[], at: number): void {
    const version = this.declarations.change(added, ended, at);
    const endedIds = ended.map(({ id }) => id);
    this.#policy = this.#policy.changed(version, added, endedIds);
  }

  #readCounters(): void {
    const max = (sql: string) => this.database.prepare(sql).pluck().get() as number;
    this.#lastRow = max('select coalesce(max(row), 0) from memories');
    this.#lastChangeSeq = max('select coalesce(max(change_seq), 0) from changes');
    this.#lastSeq = Math.max(this.#lastChangeSeq, max('select coalesce(max(change_seq), 0) from spaces'));
    if (!Number.isSafeInteger(this.#lastSeq)) {
      const message = 'The numbers of changes are damaged. Restore the folder from a backup.';
      throw new MemoryError('RECORD_DAMAGED', message);
    }
  }
}

/** The place in the log that the content of a store takes when the store founds a cluster. */
export const foundingPlace = { index: 1, term: 1 } as const;

/**
 * Checks that no other store gets the same commands.
 *
 * @throws CLUSTER_MISMATCH
 */
export function assertAlone(membership: StoreCluster | undefined): void {
  if (membership === undefined) return;
  const message = `The store belongs to the cluster ${membership.cluster}. Open it with the option \`cluster\`, or with \`log\` if servers keep its log. To use it without the other members, take it out of the cluster first: npx multi-agent-memory cluster leave.`;
  throw new MemoryError('CLUSTER_MISMATCH', message);
}

/** Applies a command that makes one new revision. */
function revisionBy(context: ApplyContext, command: CommandOf<'update' | 'share' | 'endorse'>): MemoryRow {
  const { id, ifRevision, stamp } = command;
  switch (command.type) {
    case 'update':
      return applyUpdate(context, id, command.patch, ifRevision, stamp);
    case 'share':
      return applyShare(context, id, command.change, ifRevision, stamp);
    case 'endorse':
      return applyEndorse(context, command, stamp);
  }
}

const severalSteps: ReadonlySet<Command['type']> = new Set([
  ...(['contain', 'release', 'revert', 'erase', 'finish-erasure', 'release-hold', 'endorse'] as const),
]);

/** Whether a command may be refused after it has written something. A nested transaction is then a savepoint. */
function isOfSeveralSteps(command: Command): boolean {
  if (command.type === 'remember') return command.drafts.length > 1;
  return severalSteps.has(command.type);
}

function newEffects(): BatchEffects {
  return { changes: [], embedded: [], wordsDamaged: false, spaceSwitched: false };
}

/** A reader cannot migrate the tables. */
function assertCurrent(database: Database): void {
  if (isOutdated(database)) throw needsMigration(database);
}

function needsMigration(database: Database): MemoryError {
  const message = `expected schema version ${schemaVersion}, got a store with version ${versionOf(database)}. Open it for writing once with this release, which migrates it, or read it with the release that wrote it.`;
  return invalidInput([{ path: ['folder'], message }], 'folder');
}

// Rows are numbered without gaps, and a forgotten memory keeps its row. Lost pages may leave some gaps.
const maxMissingRows = 1_000_000;

/** Arrays in memory have a place for each row number, so that an absurd one would take all memory. */
function assertRowNumbers(database: Database, lastRow: number): void {
  const { first, count } = database
    .prepare('select coalesce(min(row), 1) as first, count(*) as count from memories')
    .get() as { first: number; count: number };
  if (first >= 1 && Number.isSafeInteger(lastRow) && lastRow - count <= maxMissingRows) return;
  const message = `The database ${database.name} is damaged: a memory has a row number that the store did not give. Restore the folder from a backup.`;
  throw new MemoryError('RECORD_DAMAGED', message);
}

function assertMaintainsAudit({ by }: Stamp): void {
  if (!isRoot(by))
    throw new MemoryError('FORBIDDEN', 'Only the host may begin a new audit epoch or drop old audit entries.');
}

/** An error of another kind would stop every peer. */
function assertEndOfSegment({ chain }: AuditLog, upTo: number): void {
  if (upTo > 0 && upTo <= chain.size && upTo % segmentLength === 0) return;
  const message = `expected the end of a segment of the audit, got entry ${upTo} of ${chain.size}.`;
  throw invalidInput([{ path: ['upTo'], message }], 'retain');
}
