import type { KeyObject } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { MemoryError } from '../domain/errors';
import type { Namespace } from '../domain/namespace';
import { type Actor, root } from '../domain/principal';
import type { Environment } from '../environment/environment';
import { nextTurn, pause } from '../environment/timers';
import type { CommitSync } from '../sqlite/commit-sync';
import { translated } from '../sqlite/sqlite';
import { AccessLog } from './access-log';
import { removeCopyMark } from './audit-database';
import type { AuditEvent, AuditLog } from './audit-log';
import type { AuditChainName, ChainHead, RestoredChainHead } from './chain-entry';
import type { Checkpoint } from './checkpoint';
import { Checkpoints } from './checkpoints';
import { segmentLength } from './merkle';
import type { AuditLogs } from './search';
import { type ProcessRole, UncleanShutdown } from './unclean-shutdown';

/** How long entries wait before they are written, and how long a chain that has grown waits for a checkpoint. */
const maxWaitMs = 1_000;

/** How reads are recorded. See `AuditOptions`. */
export type ReadRecording = 'durable' | 'batched' | 'off';

/** Syncs the 'changes' chain. */
export interface ChangesSync {
  /**
   * Resolves when every change is on disk. Undefined if they are now.
   *
   * @throws OUTCOME_UNKNOWN if the disk reports an error
   */
  synced(): Promise<void> | undefined;
  /** Syncs every change in this thread. */
  syncNow(): void;
}

export interface AuditDeps {
  /** See `openAuditDatabase`. */
  readonly database: Database;
  /** The log of the 'changes' chain, which `apply` writes. */
  readonly changes: AuditLog;
  readonly role: ProcessRole;
  readonly reads: ReadRecording;
  /** Names the store in its checkpoints. */
  readonly origin: string;
  /** Signs checkpoints. */
  readonly key: KeyObject | undefined;
  readonly environment: Environment;
  onCheckpoint(checkpoint: Checkpoint): void;
  /** Syncs the changes that are not on disk. Undefined if every commit is. A checkpoint must not tell of a change that the power can still lose. */
  readonly sync: ChangesSync | undefined;
  /** Syncs those commits of `database` that nobody waits for. Undefined if every commit is on disk when it ends. */
  readonly databaseSync: CommitSync | undefined;
  /** Returns the version of the rules and the number of the last change of the store. Each entry contains both. */
  state(): { readonly policyVersion: number; readonly changeSeq: number };
}

/** The names that an erasure removes from the audit. */
export interface ErasedAccessNames {
  /** The id of the erasure. */
  readonly id: string;
  /** False if another call has to remove the rest later. */
  readonly isWhole: boolean;
  isUser(userId: string): boolean;
  isNamespace(namespace: Namespace): boolean;
}

function markOf(erasure: string): string {
  return `erased ${erasure}`;
}

/**
 * The audit of a store in this process. Its entries form two chains, in which each hash covers the hash before it. 'changes' records
 * commands; `apply` writes it. 'access' records reads and rejected calls; this class writes it. A checkpoint is the size and the
 * Merkle root of a chain. It can later prove that no entry up to that size was changed.
 */
export class Audit {
  readonly database: Database;
  readonly reads: ReadRecording;
  readonly access: AccessLog;
  readonly checkpoints: Checkpoints;
  readonly logs: AuditLogs;
  /** Signs checkpoints, and the receipts of erasures. Undefined if the store has no signing key. */
  readonly signingKey: KeyObject | undefined;
  readonly #deps: AuditDeps;
  readonly #uncleanShutdown: UncleanShutdown;
  readonly #closing = new AbortController();
  /** The work that waits for the disk in another thread, one after the other. */
  #background: Promise<void> = Promise.resolve();
  #isTicking = false;
  #isCheckpointPlanned = false;
  /** A size of the chain of changes below which no checkpoint is due. */
  #changesDueAt = 0;
  #hasWarned = false;

  /**
   * Opens the audit. Appends a 'gap' entry if a process died and may have lost entries, and an 'epoch' entry if the store is opened
   * from a backup.
   */
  constructor(deps: AuditDeps) {
    this.#deps = deps;
    this.database = deps.database;
    this.reads = deps.reads;
    this.signingKey = deps.key;
    this.access = new AccessLog({
      database: deps.database,
      durable: deps.reads === 'durable',
      seed: () => deps.environment.randomBytes(16),
      sync: deps.databaseSync,
      nextTurn,
      onWaiting: () => this.#tick(),
      onWritten: () => this.#onGrown('access', this.access.log.chain.size),
      onFailed: (error) => this.#onFailed(error),
    });
    this.logs = { changes: deps.changes, access: this.access.log };
    this.checkpoints = new Checkpoints({ ...deps, head: (chain) => this.head(chain) });
    this.#uncleanShutdown = new UncleanShutdown(deps.database);
    this.#open();
  }

  /**
   * Records a read, unless `reads` is 'off'. Reads by the host and queries of the audit are always recorded. Returns what `record`
   * returns.
   */
  recordRead(event: AuditEvent): Promise<void> | undefined {
    return this.recordsRead(event.by, event.action) ? this.record(event) : undefined;
  }

  /** Whether `recordRead` records this action. */
  recordsRead(by: Actor, action: string): boolean {
    return this.reads !== 'off' || by.party === 'root' || action.startsWith('audit.');
  }

  /**
   * Records an event. If `reads` is 'durable', the promise resolves when the entry is on disk. Otherwise returns undefined.
   *
   * @throws STORE_CLOSED, DISK_FULL and other disk errors
   */
  record(event: AuditEvent): Promise<void> | undefined {
    if (!this.#closing.signal.aborted) return this.access.record(event);
    throw new MemoryError('STORE_CLOSED', 'The store is closed. Open it again and take new handles.');
  }

  /** Returns a promise that resolves when the recorded events are on disk. Undefined if no event waits, or if `reads` is not 'durable'. */
  written(): Promise<void> | undefined {
    return this.reads === 'durable' ? this.access.pendingCommit : undefined;
  }

  /** Makes or schedules checkpoints. Call it after each commit of changes. */
  changed(): void {
    const { size } = this.#deps.changes.chain;
    if (this.#isTicking && size < this.#changesDueAt) return;
    this.#onGrown('changes', size);
    this.#changesDueAt = size - (size % segmentLength) + segmentLength;
  }

  /** Returns the name of a chain in the checkpoints of this store. */
  originOf(chain: AuditChainName): string {
    return `${this.#deps.origin}/${chain}`;
  }

  /** Returns the size and the Merkle root of a chain. Undefined if entries of the chain are missing. */
  head(name: AuditChainName): RestoredChainHead | undefined {
    if (name === 'changes') this.#deps.sync?.syncNow();
    return this.#headOf(name);
  }

  /** Writes the waiting entries, and reads the entries that other processes have written. */
  synchronize(): void {
    this.access.flush();
    this.access.inTransaction(() => undefined);
    if (this.#deps.role === 'reader') this.logs.changes.chain.catchUp();
  }

  /**
   * Empties the write-ahead log of the access chain, which may contain names that were deleted.
   *
   * @returns whether a reader in another process has kept it
   */
  emptyLog(): boolean {
    if (this.database.memory || this.database.readonly) return false;
    const [answer] = this.database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    return answer?.busy !== 0;
  }

  /** Makes a checkpoint of the current state of each chain. */
  checkpoint(): Checkpoint[] {
    this.synchronize();
    return this.checkpoints.current();
  }

  /**
   * Drops old entries of the 'access' chain and returns how many. Drops only whole segments (1,024 entries) that a checkpoint covers
   * and in which every entry is before `since`.
   */
  retain(since: number, now: number): number {
    this.checkpoint();
    return this.access.inTransaction(() => {
      const { log } = this.access;
      const upTo = Math.min(log.chain.endOfSegmentsBefore(since), this.checkpoints.checkpointedSize('access'));
      const end = upTo - (upTo % segmentLength);
      const dropped = log.chain.drop(end);
      if (dropped > 0) log.append(this.#chainEvent('retain', now, log.chain.headOfSegments(end)), this.#seed);
      return dropped;
    });
  }

  /**
   * Deletes names from the chain of accesses, once for each erasure. The entries themselves contain pseudonyms only.
   *
   * @throws DISK_FULL and other disk errors
   */
  eraseNames(erasures: readonly ErasedAccessNames[]): void {
    const { names } = this.access.log;
    const isDone = this.database.prepare('select 1 from audit_marks where mark = ?').pluck();
    const open = erasures.filter(({ id }) => isDone.get(markOf(id)) === undefined);
    if (open.length === 0) return;
    this.access.flush();
    this.access.inTransaction(() => {
      names.erase((named) =>
        open.some((each) => ('userId' in named ? each.isUser(named.userId) : each.isNamespace(named.namespace))),
      );
      const mark = this.database.prepare('insert or ignore into audit_marks (mark) values (?)');
      for (const { id, isWhole } of open) if (isWhole) mark.run(markOf(id));
    });
  }

  /** Writes the waiting entries and the last checkpoints. If that fails, the next process that opens the audit records a gap. */
  close(): void {
    this.#closing.abort();
    try {
      this.synchronize();
      if (this.#makesCheckpoints()) this.checkpoints.make();
      translated(() => this.#uncleanShutdown.unregister());
    } catch (error) {
      this.#onFailed(error);
    } finally {
      this.database.close();
    }
  }

  #open(): void {
    const { role, reads, environment } = this.#deps;
    const { log } = this.access;
    this.access.inTransaction(() => {
      const { clock } = environment;
      if (removeCopyMark(this.database)) {
        log.append(this.#chainEvent('epoch', clock.now(), log.chain.head()), this.#seed);
      }
      if (this.#uncleanShutdown.removeDead(role)) log.append(this.#chainEvent('gap', clock.now()), this.#seed);
      const id = Buffer.from(environment.randomBytes(16)).toString('hex');
      this.#uncleanShutdown.register({ id, role, durable: reads === 'durable' });
    });
  }

  /** Makes an event about the chain itself: a restored backup, possibly lost entries, or dropped entries. */
  #chainEvent(action: 'epoch' | 'gap' | 'retain', at: number, head?: ChainHead): AuditEvent {
    const { policyVersion, changeSeq } = this.#deps.state();
    return { at, by: root, action, decision: 'allowed', touched: [], policyVersion, rules: [], changeSeq, head };
  }

  readonly #seed = () => this.#deps.environment.randomBytes(16);

  #onGrown(chain: AuditChainName, size: number): void {
    if (!this.#makesCheckpoints()) return;
    if (this.checkpoints.isDue(chain, size)) this.#checkpointNextTurn();
    else this.#tick();
  }

  /** A checkpoint is a commit of its own. In the turn of the commit that made it due, both together would block the event loop. */
  #checkpointNextTurn(): void {
    if (this.#isCheckpointPlanned) return;
    this.#isCheckpointPlanned = true;
    this.#inBackground(async () => {
      await nextTurn();
      this.#isCheckpointPlanned = false;
      if (!this.#closing.signal.aborted) await this.#checkpointInBackground();
    });
  }

  /** Makes checkpoints while other threads wait for the disk. They cover what the chains have at the beginning. */
  async #checkpointInBackground(): Promise<void> {
    const { sync, databaseSync } = this.#deps;
    const heads = { changes: this.#headOf('changes'), access: this.#headOf('access') };
    await sync?.synced();
    if (this.#closing.signal.aborted) return;
    const store = () => this.checkpoints.store((chain) => heads[chain]);
    const stored = databaseSync === undefined ? store() : databaseSync.commit(store);
    await databaseSync?.synced();
    // Otherwise `close` makes them again.
    if (!this.#closing.signal.aborted) this.checkpoints.announce(stored);
  }

  /** Runs something after what runs already, and reports its errors. */
  #inBackground(run: () => Promise<void>): void {
    this.#background = this.#background.then(async () => {
      if (this.#closing.signal.aborted) return;
      try {
        await run();
        this.#hasWarned = false;
      } catch (error) {
        if (!this.#closing.signal.aborted) this.#onFailed(error);
      }
    });
  }

  #headOf(name: AuditChainName): RestoredChainHead | undefined {
    const { chain } = this.logs[name];
    const head = chain.head();
    return head && { ...head, restoreCount: chain.restoreCount };
  }

  /** Returns whether this process makes checkpoints. A reader leaves them to the writer process unless it has a signing key. */
  #makesCheckpoints(): boolean {
    return this.#deps.role === 'writer' || this.#deps.key !== undefined;
  }

  /** Schedules a write of the waiting entries and checkpoints, unless one is scheduled already. */
  #tick(): void {
    if (this.#isTicking || this.#closing.signal.aborted) return;
    this.#isTicking = true;
    void pause(maxWaitMs, this.#closing.signal).then(() => {
      this.#isTicking = false;
      this.#inBackground(async () => {
        await this.access.flushInBackground();
        if (!this.#closing.signal.aborted && this.#makesCheckpoints()) await this.#checkpointInBackground();
      });
    });
  }

  #onFailed(error: unknown): void {
    if (!this.#hasWarned) {
      this.#deps.environment.logger.warn('Audit entries could not be written. The store tries again every second.', {
        error,
      });
    }
    this.#hasWarned = true;
    this.#tick();
  }
}
