import { createHmac } from 'node:crypto';
import { ReadableLabelSetCache } from '../../access/readable-label-sets';
import type { Audit } from '../../audit/audit';
import type { Summarizer } from '../../consolidation/summarizer';
import type { Command, Outcome } from '../../domain/command';
import { defined } from '../../domain/defined';
import { MemoryError } from '../../domain/errors';
import type { LogEntry, LogPosition } from '../../domain/frame';
import type { Limits } from '../../domain/limits';
import { messageOf } from '../../domain/realms';
import type { SpaceEmbedder } from '../../embedding/space-embedder';
import { type Environment, Seeds } from '../../environment/environment';
import { whileBusy } from '../../environment/while-busy';
import { KeywordIndex } from '../../keyword-index/keyword-index';
import type { ConsolidationSchedule } from '../../lifecycle/consolidation-schedule';
import type { RetentionSweep } from '../../lifecycle/retention-sweep';
import type { ReplicatedLog } from '../../log/replicated-log';
import { CursorSigner } from '../../recall/cursor';
import type { ReadContext } from '../../recall/read-context';
import { VisibleSetCache } from '../../recall/visible-set';
import type { ChangeFeed } from '../../recall/watch';
import { SpaceSwitch, type SpaceSwitchDeps } from '../../reembedding/space-switch';
import type { ChoreKeeper } from '../../replica/chore-keeper';
import type { Screener } from '../../screening/screener';
import type { CommitSync } from '../../sqlite/commit-sync';
import { translated } from '../../sqlite/sqlite';
import type { ReadModel } from '../../state/read-model';
import type { AppliedBatch, AppliedEntry, StateStore } from '../../state/state-store';
import type { Checkpointer } from '../../state/tables/checkpointer';
import { hashIdempotencyKey } from '../../state/tables/idempotency-key';
import type { SpaceSearch } from '../../vector-index/planned-search';
import { type ParsedScreening, ScreeningGate } from '../../write/screening-gate';
import type { WriteContext } from '../../write/write-context';
import { AuditCursorCipher } from '../audit-cursor';
import { AuditRecorder } from '../audit-recorder';
import { type CallShapes, callShapes } from '../call-shapes';
import type { ClusterNode } from '../cluster-node';
import { ErasureWork } from '../erasure-work';
import type { EventSource, OwnedFeed } from '../events';
import { ActiveCalls, closeInOrder } from '../lifetime';
import type { Options } from '../open-options';
import { PrincipalQuotas } from '../principal-quotas';
import { ReadLevels } from '../read-levels';
import type { SnapshotSchedule } from '../snapshot-schedule';
import { applyWithReserve, type DiskReserve } from './disk-reserve';
import { eraseAccessNames } from './erased-access-names';
import { type MemoryShares, type MemoryUse, memoryShares } from './memory-shares';

/** The parts that the composition root (`compose.ts`) has made. */
export interface EngineDeps extends Pick<SpaceSwitchDeps, 'searchIn' | 'removeIndex'> {
  readonly options: Options;
  readonly environment: Environment;
  readonly state: StateStore;
  readonly model: ReadModel;
  readonly embedder: SpaceEmbedder;
  readonly vectors: SpaceSearch;
  readonly events: EventSource;
  readonly feed: OwnedFeed;
  readonly audit: Audit;
  /** The store's secret: the key that protects cursors, and the key for digests of idempotent writes. */
  readonly storeKey: Uint8Array;
  readonly checkpointer: Checkpointer | undefined;
  /** Makes facts where the caller names no summarizer. */
  readonly summarizer: Summarizer;
  /** Judges new texts where the options name no screener. */
  readonly screener: Screener;
  /** Undefined for a store that belongs to no cluster. */
  readonly cluster?: ClusterNode | undefined;
  /** Undefined for a store that is in memory or read-only. */
  readonly sync: CommitSync | undefined;
  /** Undefined for a store that is in memory or read-only. */
  readonly reserve: DiskReserve | undefined;
  openLog(target: LogTarget): ReplicatedLog;
  /** Called when the store begins to close. */
  closing(): Promise<void>;
  /** Releases everything that was opened, after the last commit. */
  release(): Promise<void>;
}

/** What a log applies its commands to. Everything in RAM follows before a call returns. */
export interface LogTarget {
  /** Applies a batch of a store that is alone, and returns the outcome of each command. */
  apply(batch: readonly Command[]): readonly Outcome[];
  /**
   * Applies the next entry of a log with several peers.
   *
   * @throws ApplyHalt
   */
  applyEntry(entry: LogEntry): AppliedEntry;
  /** Takes over a snapshot of a later state, which has replaced the tables. */
  installed(): void;
  /** The number of the latest change. */
  lastChange(): number;
  /** The last entry that was applied. */
  logPosition(): LogPosition;
}

// A peer that lags more is sent a snapshot, and its watches begin again.
const maxLagMs = 30_000;

/** Commands that delete what is no memory, or no longer one. */
const erasingCommands: ReadonlySet<string> = new Set(['release-hold', 'erase', 'finish-erasure']);

/** Commands that end an erasure, or what was left of one. */
const endingCommands: ReadonlySet<string> = new Set(['release-hold', 'finish-erasure']);

/** What follows a commit, in this order. Each step runs even if another has failed. */
const afterCommit: readonly ((engine: Engine, batch: AppliedBatch, deps: EngineDeps) => void)[] = [
  ({ model }, batch) => model.follow(batch),
  (engine, { wordsDamaged }) => engine.repairWords(wordsDamaged),
  ({ recorder }, { outcomes }) => {
    for (const outcome of outcomes) if (!outcome.ok) recorder.addRecorded(outcome.error);
  },
  ({ audit }) => audit.changed(),
  ({ spaces }, batch) => spaces.follow(batch),
  ({ spaces, events, synced, hasPeers }, { changes, changeSeq }, { feed }) => {
    if (changes.length === 0) return;
    if (!hasPeers) spaces.changed();
    const tell = () => {
      feed.changed();
      if (events.has('committed')) events.emit('committed', { changeSeq, ids: changes.map(({ id }) => id) });
    };
    const durable = synced();
    if (durable === undefined) tell();
    // Reads go on after an error of the disk, and so do watches.
    else void durable.then(tell, () => feed.changed());
  },
  (_, { changes, outcomes }, { checkpointer }) => {
    const hasErased = outcomes.some((outcome) => outcome.ok && erasingCommands.has(outcome.type));
    if (hasErased || changes.some(({ type }) => type === 'forgotten')) checkpointer?.forgot();
    checkpointer?.committed();
  },
  ({ spaces, hasPeers }) => {
    if (hasPeers) spaces.applied();
  },
  ({ consolidation, state }, { changes }) => {
    if (consolidation === undefined) return;
    const stored = changes.flatMap(({ type, columns }) =>
      type === 'stored' && columns !== undefined ? [columns] : [],
    );
    consolidation.stored(stored.map(({ labelSet }) => state.interning.labelSet(labelSet)));
  },
  ({ model, retention }) => {
    if (model.columns.hasRetention) retention?.changed();
  },
  ({ chores }) => chores?.applied(),
  ({ state, audit, erasing }, { outcomes }, { storeKey }) => {
    if (!outcomes.some((outcome) => outcome.ok && endingCommands.has(outcome.type))) return;
    erasing.ended();
    eraseAccessNames(state, audit, storeKey);
  },
];

/**
 * One opened folder. All handles in this process share it. It applies batches, then updates everything in RAM that depends on them, and
 * provides the contexts for reads and writes. Other code takes only the parts that it needs, not the whole engine.
 */
export class Engine {
  readonly state: StateStore;
  readonly model: ReadModel;
  readonly environment: Environment;
  readonly limits: Limits;
  /** Undefined if the store has no quotas. */
  readonly quotas: PrincipalQuotas | undefined;
  readonly shapes: CallShapes;
  readonly embedder: SpaceEmbedder;
  readonly vectors: SpaceSearch;
  /** Moves the store between embedding spaces. */
  readonly spaces: SpaceSwitch;
  readonly events: EventSource;
  readonly changed: ChangeFeed;
  readonly readOnly: boolean;
  readonly audit: Audit;
  readonly auditCursors: AuditCursorCipher;
  readonly recorder: AuditRecorder;
  /** How the RAM of the store is divided. */
  readonly memoryShares: MemoryShares;
  /** The running reads on the folder, from all stores in this process that share it. */
  readonly reads = new ActiveCalls();
  readonly levels: ReadLevels;
  /** Undefined for a store that belongs to no cluster. */
  readonly cluster: ClusterNode | undefined;
  /** The number of records that passed the access filter in a query but failed the second check. Each one shows a bug in this library. */
  recheckRejected = 0;
  /** What this node does for its cluster. Undefined for a store that is alone, which does it at once. */
  chores: Pick<ChoreKeeper, 'applied' | 'close'> | undefined;
  /** Undefined if no snapshots are made in the background. */
  snapshots: Pick<SnapshotSchedule, 'close'> | undefined;
  /** Makes facts where the caller names no summarizer. */
  readonly summarizer: Summarizer;
  /** Undefined if the host has declared no policy. */
  consolidation: ConsolidationSchedule | undefined;
  /** What this process keeps of erasures that are not complete. */
  readonly erasing = new ErasureWork();
  /** See `EngineDeps`. */
  readonly storeKey: Uint8Array;
  /** Forgets what retentions have reached. Undefined until the store is open. */
  retention: RetentionSweep | undefined;
  readonly hasPeers: boolean;
  #areWordsDamaged = false;
  readonly #deps: EngineDeps;
  readonly #log: ReplicatedLog;
  readonly #reading: ReadContext;
  readonly #writing: WriteContext;

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    const { options, state, environment, audit } = deps;
    this.state = state;
    this.model = deps.model;
    this.environment = environment;
    this.limits = options.limits;
    this.memoryShares = memoryShares(options.memoryBytes, 0);
    this.quotas = options.quotas && new PrincipalQuotas({ quotas: options.quotas, state });
    this.shapes = callShapes(options.limits);
    this.embedder = deps.embedder;
    this.vectors = deps.vectors;
    this.events = deps.events;
    this.changed = deps.feed;
    this.readOnly = options.readOnly;
    this.cluster = deps.cluster;
    this.hasPeers = deps.cluster !== undefined;
    this.summarizer = deps.summarizer;
    this.audit = audit;
    this.storeKey = deps.storeKey;
    this.auditCursors = new AuditCursorCipher(deps.storeKey);
    this.recorder = new AuditRecorder({ state, audit, clock: environment.clock });
    this.#log = deps.openLog({
      apply: (batch) => this.#followed(this.#applied(batch)).outcomes,
      applyEntry: (entry) => this.#followed(state.applyEntry(entry)),
      installed: () => this.#installed(),
      lastChange: () => state.lastChangeSeq,
      logPosition: () => state.logPosition(),
    });
    this.levels = new ReadLevels({
      log: this.#log,
      storeKey: deps.storeKey,
      readOnly: this.readOnly,
      changed: this.changed,
      lastChange: () => {
        this.#refresh();
        return state.lastChangeSeq;
      },
      isMember: () => {
        this.#refresh();
        return state.membership !== undefined;
      },
    });
    this.#reading = this.#readContext();
    this.#writing = this.#writeContext();
    this.spaces = new SpaceSwitch({
      state,
      model: this.model,
      embedder: this.embedder,
      writing: this.#writing,
      search: this.vectors,
      searchIn: deps.searchIn,
      removeIndex: deps.removeIndex,
      readsEnd: () => this.reads.idle(),
    });
  }

  /** Returns the context for a read. It includes everything that was committed before this call. */
  reading(): ReadContext {
    this.#refresh();
    return this.#reading;
  }

  /** Undefined if the store does not screen new texts. */
  get screening(): ScreeningGate | undefined {
    return this.#writing.screening;
  }

  /** @throws STORE_READ_ONLY */
  writing(): WriteContext {
    if (!this.readOnly) return this.#writing;
    const message =
      'The store was opened with readOnly. Write in the process that has opened the folder for writing, or connect to it.';
    throw new MemoryError('STORE_READ_ONLY', message);
  }

  /**
   * Resolves when all writes that a read may have seen are on disk. Undefined if they are now. If the disk reports an error, their writers
   * get it, and reads go on.
   */
  readonly settled = (): Promise<void> | undefined => this.#deps.sync?.settled();

  /**
   * Resolves when all writes are on disk. Undefined if they are now.
   *
   * @throws OUTCOME_UNKNOWN if the disk reports an error, or has reported one that left a write in doubt
   */
  readonly synced = (): Promise<void> | undefined => this.#deps.sync?.synced();

  /** Returns a text that is different after every change to a rule or a memory. */
  version(): string {
    this.#refresh();
    return `${this.state.policy.version} ${this.state.lastChangeSeq}`;
  }

  /** What the parts of the store take in RAM. */
  memoryUse(): MemoryUse {
    const { readable, visible } = this.#reading;
    const parts = {
      vectorBytes: this.vectors.bytes,
      columnBytes: this.model.columns.bytes,
      postingBytes: this.model.postings.bytes,
      visibleSetBytes: visible.bytes,
      labelSetBytes: readable.bytes,
      embeddingBytes: this.embedder.cachedBytes,
    };
    const totalBytes = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
    return { limitBytes: this.#deps.options.memoryBytes, totalBytes, ...parts };
  }

  /** Ends all background work and releases the folder, even if a step fails. Rejects with the first error. */
  async close(): Promise<void> {
    await closeInOrder(
      () => this.#deps.closing(),
      () => this.erasing.idle(),
      () => this.chores?.close(),
      () => this.snapshots?.close(),
      () => this.consolidation?.close(),
      () => this.retention?.close(),
      () => this.spaces.close(),
      () => this.#log.close(),
      // Words that cannot be written now are written after the next open.
      () => whileBusy(() => translated(() => this.#settleWords())).catch(() => undefined),
      () => this.#deps.feed.close(),
      () => this.vectors.close(),
      // What cannot be written is reported when the audit closes.
      () => whileBusy(() => this.audit.synchronize()).catch(() => undefined),
      () => this.audit.close(),
      () => this.#deps.release(),
    );
  }

  /** Updates everything in RAM that depends on a batch, before its callers get their answers. */
  #followed<T extends AppliedBatch>(batch: T): T {
    // The batch is on disk. If a step failed the call, its callers would take the batch for lost, or the log would apply it again.
    for (const step of afterCommit) {
      try {
        step(this, batch, this.#deps);
      } catch (error) {
        this.environment.logger.warn('A step after a commit failed. The commit itself is safe.', {
          error: messageOf(error),
        });
      }
    }
    return batch;
  }

  /** Removes from the audit what a process had no time to remove, or what a snapshot says is erased. */
  eraseAccessNames(): void {
    if (!this.readOnly) eraseAccessNames(this.state, this.audit, this.#deps.storeKey);
  }

  #installed(): void {
    const batch = this.model.replaced();
    this.eraseAccessNames();
    this.audit.changed();
    this.spaces.follow(batch);
    this.spaces.removeUnusedIndexes();
    this.chores?.applied();
    this.#deps.feed.changed();
    // What the snapshot does not contain any more must not stay in the write-ahead log.
    this.#deps.checkpointer?.forgot();
  }

  /** Rebuilds a damaged keyword index. After a failure, the next batch and `close` try again. */
  repairWords(isDamaged = false): void {
    this.#areWordsDamaged ||= isDamaged;
    if (!this.#areWordsDamaged) return;
    this.state.words.rebuild();
    this.model.postings.clear();
    this.#areWordsDamaged = false;
  }

  /** Leaves no work for the next open. */
  #settleWords(): void {
    this.repairWords();
    if (!this.readOnly) this.state.words.writeWaiting();
  }

  #applied(commands: readonly Command[]): AppliedBatch {
    const { state } = this;
    const { reserve, checkpointer, sync } = this.#deps;
    const apply = (some: readonly Command[]) =>
      sync === undefined ? state.apply(some) : sync.commit(() => state.apply(some));
    let failure: unknown;
    if (reserve === undefined || reserve.isKept) {
      try {
        return apply(commands);
      } catch (error) {
        if (reserve === undefined) throw error;
        failure = error;
      }
    }
    const steps = {
      apply,
      emptyLog: () => checkpointer?.emptyLogNow(),
    };
    return applyWithReserve(reserve, commands, steps, failure);
  }

  /**
   * Removes what was deleted from the unused parts of the database and from its log.
   *
   * @returns whether a reader that uses an earlier state has kept it. It goes when the reader ends.
   */
  async rewriteDatabase(): Promise<{ readonly busy: boolean }> {
    return (await this.#deps.checkpointer?.rewrite()) ?? { busy: false };
  }

  /** In a read-only process, loads what the writer process has committed. */
  #refresh(): void {
    if (!this.readOnly) {
      this.model.readMissed();
      return;
    }
    const batch = this.model.refresh();
    if (batch !== undefined) this.spaces.follow(batch);
  }

  #readContext(): ReadContext {
    const { state, model, memoryShares: shares } = this;
    return {
      limits: this.limits,
      clock: this.environment.clock,
      state: model,
      readable: new ReadableLabelSetCache(shares.labelSets),
      visible: new VisibleSetCache(model, shares.visibleSets),
      embedder: this.embedder,
      keywords: new KeywordIndex(model.postings),
      vectors: () => this.vectors.index(),
      exactUpTo: this.#deps.options.exactUpTo,
      cursors: new CursorSigner(this.#deps.storeKey),
      refresh: () => this.#refresh(),
      snapshot: (read) =>
        state.snapshot(() => {
          this.#refresh();
          return read();
        }),
      maxLagMs: () => (translated(() => state.logPosition()).index === 0 ? 0 : maxLagMs),
      recheckRejected: () => {
        this.recheckRejected++;
      },
    };
  }

  #screeningGate(options: ParsedScreening): ScreeningGate {
    return new ScreeningGate(options.screener ?? this.#deps.screener, options, () => this.state.policy);
  }

  #writeContext(): WriteContext {
    const { state, environment } = this;
    const { storeKey, options } = this.#deps;
    return {
      limits: this.limits,
      clock: environment.clock,
      newId: () => environment.newId(),
      seeds: new Seeds((length) => environment.randomBytes(length)),
      policy: () => state.policy,
      quotas: options.quotas,
      assertFits: (by, memory) => state.assertFits({ by, ...defined({ quotas: options.quotas }) }, memory),
      log: this.#log,
      embedder: this.embedder,
      findDuplicate: (actor, idempotency) => {
        const duplicate = state.findDuplicate(actor, idempotency);
        if (duplicate !== undefined) this.recorder.recordDuplicate(actor, duplicate.id);
        return duplicate;
      },
      hashIdempotencyKey: (key) => hashIdempotencyKey(storeKey, key),
      digest: (content) => createHmac('sha256', storeKey).update(content).digest('base64url'),
      screening: options.screening && this.#screeningGate(options.screening),
      metadataSchema: options.metadata,
      parseMemory: (input) => this.shapes.parseMemory(input),
    };
  }
}
