import type { KeyObject } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { MemoryError } from '../domain/errors';
import { root } from '../domain/principal';
import type { Environment } from '../environment/environment';
import { nextTurn, pause } from '../environment/timers';
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

/** How long entries wait to be written, and a chain that has grown waits for its checkpoint. */
const maxWaitMs = 1_000;

/** How reads are recorded. See `AuditOptions`. */
export type ReadRecording = 'durable' | 'batched' | 'off';

export interface AuditDeps {
  /** See `openAuditDatabase`. */
  readonly database: Database;
  /** The log that `apply` writes. */
  readonly changes: AuditLog;
  readonly role: ProcessRole;
  readonly reads: ReadRecording;
  /** Names the store in checkpoints. */
  readonly origin: string;
  /** Signs checkpoints. */
  readonly key: KeyObject | undefined;
  readonly environment: Environment;
  onCheckpoint(checkpoint: Checkpoint): void;
  /** What each entry says about the store: the version of its rules, and its last change. */
  state(): { readonly policyVersion: number; readonly changeSeq: number };
}

/** The audit of a store in this process: writes the 'access' chain, and makes the checkpoints of both chains. */
export class Audit {
  readonly database: Database;
  readonly reads: ReadRecording;
  readonly access: AccessLog;
  readonly checkpoints: Checkpoints;
  readonly logs: AuditLogs;
  readonly #deps: AuditDeps;
  readonly #uncleanShutdown: UncleanShutdown;
  readonly #closing = new AbortController();
  #isTicking = false;
  #hasWarned = false;

  /** Records that entries may be missing if a process died, and that the store was restored if a backup is opened. */
  constructor(deps: AuditDeps) {
    this.#deps = deps;
    this.database = deps.database;
    this.reads = deps.reads;
    this.access = new AccessLog({
      database: deps.database,
      durable: deps.reads === 'durable',
      seed: () => deps.environment.randomBytes(16),
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

  /** Records a read, unless reads are not recorded. Reads of the host and of the audit always are. See `record`. */
  recordRead(event: AuditEvent): Promise<void> | undefined {
    const isAlways = event.by.party === 'root' || event.action.startsWith('audit.');
    return this.reads !== 'off' || isAlways ? this.record(event) : undefined;
  }

  /**
   * Records an event. Resolves when it is on disk, if answers wait for that; otherwise returns undefined.
   *
   * @throws STORE_CLOSED, DISK_FULL and other disk errors
   */
  record(event: AuditEvent): Promise<void> | undefined {
    if (!this.#closing.signal.aborted) return this.access.record(event);
    throw new MemoryError('STORE_CLOSED', 'The store is closed. Open it again and take new handles.');
  }

  /** Resolves when the recorded events are on disk. Undefined if answers do not wait for that. */
  written(): Promise<void> | undefined {
    return this.reads === 'durable' ? this.access.pendingCommit : undefined;
  }

  /** Called after each commit of changes. */
  changed(): void {
    this.#onGrown('changes', this.#deps.changes.chain.size);
  }

  /** The name of a chain of this store in checkpoints. */
  originOf(chain: AuditChainName): string {
    return `${this.#deps.origin}/${chain}`;
  }

  /** Undefined if entries of the chain are missing. */
  head(name: AuditChainName): RestoredChainHead | undefined {
    const { chain } = this.logs[name];
    const head = chain.head();
    return head && { ...head, restoreCount: chain.restoreCount };
  }

  /** Writes the waiting entries, and reads the entries that other processes have written. */
  synchronize(): void {
    this.access.flush();
    this.access.inTransaction(() => undefined);
    if (this.#deps.role === 'reader') this.logs.changes.chain.catchUp();
  }

  /** A checkpoint of each chain as it is now. */
  checkpoint(): Checkpoint[] {
    this.synchronize();
    return this.checkpoints.current();
  }

  /**
   * Drops entries of the 'access' chain, in whole segments that a checkpoint covers and whose entries are all before `since`.
   * Returns how many entries were dropped.
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

  /** An event of the chain itself. */
  #chainEvent(action: 'epoch' | 'gap' | 'retain', at: number, head?: ChainHead): AuditEvent {
    const { policyVersion, changeSeq } = this.#deps.state();
    return { at, by: root, action, decision: 'allowed', touched: [], policyVersion, rules: [], changeSeq, head };
  }

  readonly #seed = () => this.#deps.environment.randomBytes(16);

  #onGrown(chain: AuditChainName, size: number): void {
    if (!this.#makesCheckpoints()) return;
    if (this.checkpoints.isDue(chain, size)) this.#try(() => this.checkpoints.make());
    else this.#tick();
  }

  /** A reader leaves checkpoints to the writer process, unless it can sign them. */
  #makesCheckpoints(): boolean {
    return this.#deps.role === 'writer' || this.#deps.key !== undefined;
  }

  /** Writes entries and checkpoints after a while. */
  #tick(): void {
    if (this.#isTicking || this.#closing.signal.aborted) return;
    this.#isTicking = true;
    void pause(maxWaitMs, this.#closing.signal).then(() => {
      this.#isTicking = false;
      if (this.#closing.signal.aborted) return;
      this.#try(() => {
        this.access.flush();
        if (this.#makesCheckpoints()) this.checkpoints.make();
      });
    });
  }

  #try(run: () => void): void {
    try {
      run();
      this.#hasWarned = false;
    } catch (error) {
      this.#onFailed(error);
    }
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
