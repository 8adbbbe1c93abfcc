import type { KeyObject } from 'node:crypto';
import type { Database } from 'better-sqlite3';
import { MemoryError } from '../domain/errors';
import { root } from '../domain/principal';
import type { Environment } from '../environment/environment';
import { nextTurn, pause } from '../environment/timers';
import { translated } from '../sqlite/sqlite';
import { AccessLog } from './access-log';
import { takeCopyMark } from './audit-database';
import type { AuditEvent, AuditLog } from './audit-log';
import type { AuditChainName, ChainHead } from './chain-entry';
import type { Checkpoint } from './checkpoint';
import { Checkpoints } from './checkpoints';
import { segmentLength } from './merkle';
import type { AuditLogs } from './search';
import { UncleanShutdown } from './unclean-shutdown';

/** A batch waits so long, and a chain that has grown for its checkpoint. */
const longestWaitMs = 1_000;

/** How reads are written down. */
export type Reads = 'durable' | 'batched' | 'off';

export interface AuditDeps {
  /** See `openAuditDatabase`. */
  readonly database: Database;
  /** The chain that `apply` writes. */
  readonly changes: AuditLog;
  readonly role: 'owner' | 'reader';
  readonly reads: Reads;
  readonly origin: string;
  readonly key: KeyObject | undefined;
  readonly environment: Environment;
  onCheckpoint(checkpoint: Checkpoint): void;
  /** What entries tell of the store: the version of its rules, and its last change. */
  state(): { readonly policyVersion: number; readonly changeSeq: number };
}

/** Both chains of a store as this process keeps them: what it writes, when, and what vouches for it. */
export class Audit {
  readonly database: Database;
  readonly reads: Reads;
  readonly access: AccessLog;
  readonly checkpoints: Checkpoints;
  readonly trails: AuditLogs;
  readonly #deps: AuditDeps;
  readonly #openings: UncleanShutdown;
  readonly #closing = new AbortController();
  #ticking = false;
  #warned = false;

  /** Opens the chain of accesses: whoever died without a goodbye, and a backup that is opened first, leave an entry. */
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
      onWritten: () => this.#grew('access', this.access.trail.chain.size),
      onFailed: (error) => this.#failed(error),
    });
    this.trails = { changes: deps.changes, access: this.access.trail };
    this.checkpoints = new Checkpoints({ ...deps, head: (chain) => this.head(chain) });
    this.#openings = new UncleanShutdown(deps.database);
    this.#open();
  }

  /** Writes down a read, unless reads are not written down. What the host does always is, and questions about the audit. */
  read(act: AuditEvent): Promise<void> | undefined {
    const isAlways = act.by.party === 'root' || act.action.startsWith('audit.');
    return this.reads !== 'off' || isAlways ? this.record(act) : undefined;
  }

  /** Writes down what is written down always. */
  record(act: AuditEvent): Promise<void> | undefined {
    if (!this.#closing.signal.aborted) return this.access.record(act);
    throw new MemoryError('STORE_CLOSED', 'The store is closed: open it again, and take new handles from it.');
  }

  /** Resolves when what was written down is on disk, where answers wait for it. */
  written(): Promise<void> | undefined {
    return this.access.committing;
  }

  /** Told after each commit of changes. */
  changed(): void {
    this.#grew('changes', this.#deps.changes.chain.size);
  }

  /** What names this store and a chain of it in checkpoints. */
  originOf(chain: AuditChainName): string {
    return `${this.#deps.origin}/${chain}`;
  }

  head(chain: AuditChainName): (ChainHead & { readonly life: number }) | undefined {
    const { chain: entries } = this.trails[chain];
    const head = entries.head();
    return head && { ...head, life: entries.life };
  }

  /** Writes what waits, and takes in what other processes have written. */
  settle(): void {
    this.access.flush();
    this.access.atEnd(() => undefined);
    if (this.#deps.role === 'reader') this.trails.changes.chain.catchUp();
  }

  /** A checkpoint of each chain as it is now. */
  checkpoint(): Checkpoint[] {
    this.settle();
    return this.checkpoints.current();
  }

  /**
   * Drops the whole segments of the chain of accesses of which every entry is older than that and covered by a checkpoint.
   * Answers with how many entries went.
   */
  retain(since: number, at: number): number {
    this.checkpoint();
    return this.access.atEnd(() => {
      const { chain } = this.access.trail;
      const upTo = Math.min(chain.endOfSegmentsBefore(since), this.checkpoints.reached('access'));
      const end = upTo - (upTo % segmentLength);
      const dropped = chain.drop(end);
      if (dropped > 0) this.access.trail.append(this.#own('retain', at, chain.headOfSegments(end)), this.#seed);
      return dropped;
    });
  }

  /** Writes what waits, vouches for it, and says goodbye. Who cannot leaves a mark, by which the next to open knows. */
  close(): void {
    this.#closing.abort();
    try {
      this.settle();
      if (this.#vouches()) this.checkpoints.make();
      translated(() => this.#openings.unmark());
    } catch (error) {
      this.#failed(error);
    } finally {
      this.database.close();
    }
  }

  #open(): void {
    const { role, reads, environment } = this.#deps;
    const { trail } = this.access;
    this.access.atEnd(() => {
      const { clock } = environment;
      if (takeCopyMark(this.database)) trail.append(this.#own('epoch', clock.now(), trail.chain.head()), this.#seed);
      if (this.#openings.bury(role)) trail.append(this.#own('gap', clock.now()), this.#seed);
      const id = Buffer.from(environment.randomBytes(16)).toString('hex');
      this.#openings.mark({ id, role, durable: reads === 'durable' });
    });
  }

  /** An entry about the chain itself. */
  #own(action: string, at: number, head?: ChainHead): AuditEvent {
    const { policyVersion, changeSeq } = this.#deps.state();
    return { at, by: root, action, decision: 'allowed', touched: [], policyVersion, rules: [], changeSeq, head };
  }

  readonly #seed = () => this.#deps.environment.randomBytes(16);

  #grew(chain: AuditChainName, size: number): void {
    if (!this.#vouches()) return;
    if (this.checkpoints.isDue(chain, size)) this.#try(() => this.checkpoints.make());
    else this.#tick();
  }

  /** A process that only reads beside the owner leaves checkpoints to it, unless it can sign them. */
  #vouches(): boolean {
    return this.#deps.role === 'owner' || this.#deps.key !== undefined;
  }

  #tick(): void {
    if (this.#ticking || this.#closing.signal.aborted) return;
    this.#ticking = true;
    void pause(longestWaitMs, this.#closing.signal).then(() => {
      this.#ticking = false;
      if (this.#closing.signal.aborted) return;
      this.#try(() => {
        this.access.flush();
        if (this.#vouches()) this.checkpoints.make();
      });
    });
  }

  #try(run: () => void): void {
    try {
      run();
      this.#warned = false;
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (!this.#warned)
      this.#deps.environment.logger.warn('The audit could not be written; it is tried again.', { error });
    this.#warned = true;
    this.#tick();
  }
}
