import { type ConnectOptions, connect } from '../connect/connected-store';
import type { CallOptions, LongCallOptions } from '../domain/calls';
import type { ErasureOptions, ErasurePlan, ErasureTarget } from '../domain/erasure';
import { invalidInput } from '../domain/errors';
import { folderPath } from '../domain/folder-path';
import type { Hold, HoldRequest, ReleasedHold, ReleaseHoldOptions, WithheldMemory } from '../domain/hold';
import type { Metadata } from '../domain/json';
import { folderShape, parse, parseAll } from '../domain/parse/shapes';
import { type Principal, root } from '../domain/principal';
import type { Scope } from '../domain/selection';
import type { Embedder, EmbeddingSpace } from '../embedding/embedder';
import { startStopwatch } from '../environment/timers';
import type { ErasureReceipt } from '../erasure/receipt';
import type { ReembedOptions } from '../reembedding/reembedding-run';
import { translated } from '../sqlite/sqlite';
import { RootAudit, type StoreAudit } from './audit-handle';
import { AuditedCalls } from './audited-calls';
import { backup } from './backup';
import { type ClusterHandle, StoreClusterHandle } from './cluster';
import { openInMemory } from './composition/compose';
import type { Engine } from './composition/engine';
import type { MemoryUse } from './composition/memory-shares';
import { openShared } from './composition/shared-engines';
import { StoreErasures } from './erasures';
import type { StoreEvents } from './events';
import { LegalHolds } from './legal-holds';
import { type LifecycleHandle, StoreLifecycle } from './lifecycle-handle';
import { Lifetime } from './lifetime';
import type { MemoryHandle } from './memory-handle';
import { type OpenOptions, parseOptions } from './open-options';
import { PrincipalHandle } from './principal-handle';
import type { PurgeOptions, PurgeResult } from './purge-result';
import { type MovableStore, type Reembedding, reembed, rollback } from './reembedding';
import type { Snapshot, SnapshotOptions, SnapshotPlan } from './snapshot';
import { StoreTrust, type TrustHandle } from './trust-handle';
import { type VerifyResult, verify } from './verify';

/** Figures about a whole store, for its host. */
export interface StoreStats {
  /** The number of memories in every state except forgotten. */
  memories: number;
  /** The size of the database in bytes. */
  bytes: number;
  /** The number of changes that the vector index does not contain yet. Searches find them anyway. */
  indexLag: number;
  /** The embedding space that searches use. */
  space: EmbeddingSpace;
  /**
   * Other embedding spaces in which the store has vectors. 'next': `reembed` fills it. 'previous': `rollback` returns to it.
   * 'dropping': its vectors are being deleted.
   */
  otherSpaces: (EmbeddingSpace & { role: 'next' | 'previous' | 'dropping' })[];
  /** What the store takes in RAM. */
  memory: MemoryUse;
  /** The number of records that passed the access filter in a query but failed the second check. Each one shows a bug in this library. */
  recheckRejected: number;
}

let makeStore: <M>(engine: Engine, release: () => Promise<void>) => MemoryStore<M>;

/**
 * Makes the store of an engine that was opened in another way than by `open` or `inMemory`. It is for this library: users do not have
 * engines.
 *
 * @param release Releases the engine when the store is closed.
 */
export function storeOf<M>(engine: Engine, release: () => Promise<void>): MemoryStore<M> {
  return makeStore(engine, release);
}

/**
 * A shared memory for agents, in a folder or in RAM. The program that opens it is the host. The host may do everything, and gives each
 * agent a handle.
 *
 * Every method rejects with STORE_CLOSED after `close`.
 *
 * @example
 * ```ts
 * import { allow, MemoryStore } from 'multi-agent-memory';
 * const store = await MemoryStore.open('./memory', { access: [allow('everyone', 'writer', ['support'])] });
 * const billing = store.as({ agentId: 'billing' }, { namespace: ['support'] });
 * await billing.remember('Customer 4417 wants the refund on the card.', { userId: 'customer-4417' });
 * const hits = await billing.recall('how does the customer want to be paid back?', { userId: 'customer-4417' });
 * await store.close();
 * ```
 */
export class MemoryStore<M = Metadata> implements AsyncDisposable {
  static {
    makeStore = (engine, release) => new MemoryStore(engine, release);
  }

  /** The host's handle. No rule and no scope limits it. */
  readonly admin: MemoryHandle<M>;
  /** The audit of the whole store: queries, checkpoints and verification. */
  readonly audit: StoreAudit;
  /** The cluster of the store: its state, and changes of its members. Its methods reject if the store belongs to no cluster. */
  readonly cluster: ClusterHandle;
  /** What to do about memories that are not trusted: contain them, release them, undo what their writers changed. */
  readonly trust: TrustHandle;
  /** The policies that were passed to `open`: runs them now, and says what they do. */
  readonly lifecycle: LifecycleHandle;
  readonly #engine: Engine;
  readonly #release: () => Promise<void>;
  readonly #lifetime = new Lifetime();
  readonly #calls: AuditedCalls;
  readonly #holds: LegalHolds;
  readonly #erasures: StoreErasures;
  #closing: Promise<void> | undefined;

  private constructor(engine: Engine, release: () => Promise<void>) {
    this.#engine = engine;
    this.#release = release;
    this.admin = new PrincipalHandle(engine, this.#lifetime, root, {});
    const caller = { actor: root, scope: {} };
    this.#calls = new AuditedCalls(engine, this.#lifetime, caller);
    this.#erasures = new StoreErasures(engine, this.#lifetime, this.#calls);
    this.#holds = new LegalHolds(engine, this.#calls, this.#erasures);
    this.audit = new RootAudit(engine, this.#calls, caller);
    this.cluster = new StoreClusterHandle(engine.cluster, this.#calls);
    this.trust = new StoreTrust(engine, this.#calls, caller, new PrincipalHandle(engine, this.#lifetime, root, {}));
    this.lifecycle = new StoreLifecycle(engine, this.#lifetime, this.#calls);
  }

  /**
   * Opens the store in a folder, and creates both if they do not exist. If this process has already opened the folder, both stores
   * share its database, indexes and rules. The `access` option then replaces the rules that the earlier `open` declared.
   *
   * @param folder A path, or a `file:` URL. A path that begins with `~` is rejected, because only shells expand `~`.
   * @throws INVALID_INPUT, STORE_HELD (another process has opened the folder for writing), STORE_NEWER, EMBEDDER_MISMATCH,
   * RECORD_DAMAGED, DISK_FULL, SQLITE_UNAVAILABLE, CLUSTER_MISMATCH (the folder belongs to a cluster, and `cluster` is missing, or to
   * another one); with `cluster` also NO_QUORUM (no node has let this one join) and LOG_REGRESSED (the node's log is lost)
   */
  static async open<M = Metadata>(folder: string | URL, options: OpenOptions<M> = {}): Promise<MemoryStore<M>> {
    const parsed = parseOptions(options);
    const { engine, serve, release } = await openShared(folder, parsed);
    const store = new MemoryStore<M>(engine, release);
    if (!parsed.serve) return store;
    try {
      await serve(new MemoryStore(engine, async () => undefined));
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /**
   * Connects over a local socket to the process that serves a folder. It must run as the same user. Handles have the same methods as
   * those of a local store. If another process takes over the folder, reads are repeated, and each write is done only once. If no
   * process serves the folder, calls wait for one. With `takeOver`, this process then opens and serves the folder itself.
   *
   * @throws INVALID_INPUT; STORE_UNREACHABLE if no process serves the folder; with `takeOver`, every error that `open` throws
   */
  static connect<M = Metadata>(folder: string | URL, options: ConnectOptions<M> = {}): Promise<ConnectedStore<M>> {
    return connect<StoreStats, M>(folder, options, (path, own) => MemoryStore.open(path, own));
  }

  /**
   * Opens a store for unit tests. It uses no disk, no network and no native vector index, and works with fake timers. By default it
   * has a fake clock, and makes the same ids in every run.
   *
   * @throws INVALID_INPUT, SQLITE_UNAVAILABLE
   */
  static async inMemory<M = Metadata>(options: OpenOptions<M> = {}): Promise<MemoryStore<M>> {
    const parsed = parseOptions(options);
    const needFolder = {
      serve: parsed.serve && 'a store in memory has no folder to serve. Use `MemoryStore.open`.',
      snapshots:
        parsed.snapshots !== undefined &&
        'a store in memory makes no snapshots in the background. Use `MemoryStore.open`, or call `snapshot`.',
      cluster:
        parsed.cluster !== undefined &&
        'a store in memory cannot listen. Use `MemoryStore.open`, or `inMemoryCluster` of multi-agent-memory/testing.',
      log: parsed.log !== undefined && 'a store in memory cannot follow a log. Use `MemoryStore.open`.',
    };
    const issues = Object.entries(needFolder).flatMap(([option, message]) =>
      message === false ? [] : [{ path: [option], message }],
    );
    if (issues.length > 0) throw invalidInput(issues, 'options');
    const engine = await openInMemory(parsed);
    return new MemoryStore<M>(engine, () => engine.close());
  }

  /**
   * Makes a handle for a principal. The store does not authenticate principals: the host must know who the principal is.
   *
   * @param rest The scope, which limits every call on the handle. Default: no limits. An explicit `undefined` is rejected.
   * @throws INVALID_INPUT
   */
  as(principal: Principal, ...rest: [scope?: Scope]): MemoryHandle<M> {
    // If the caller's variable is `undefined` by mistake, the handle must not cover the whole store.
    const scope = rest.length === 0 ? {} : rest[0];
    this.#lifetime.assertOpen();
    const { shapes } = this.#engine;
    const [actor, parsedScope] = parseAll(
      [shapes.principal, principal, ['principal']],
      [shapes.scope, scope, ['scope']],
    );
    return new PrincipalHandle<M>(this.#engine, this.#lifetime, actor, parsedScope);
  }

  /**
   * Resolves when the vector index contains every write that was acknowledged before this call. Searches are fastest then. They find
   * all memories even before that.
   */
  async settled(options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#calls.read('settled', () => {
      parse(this.#engine.shapes.callOptions, options, 'options').signal?.throwIfAborted();
      return this.#engine.vectors.settled();
    });
  }

  /**
   * Copies the current state of the store into a folder. Reads and writes continue during the copy. The copy is a complete store that
   * `open` can open.
   *
   * @param folder Is created if it does not exist, and must be empty. If the call fails or is aborted, the folder is left empty.
   * @throws INVALID_INPUT, DISK_FULL
   */
  async backup(folder: string | URL, options: LongCallOptions = {}): Promise<void> {
    this.#lifetime.assertOpen();
    await this.#calls.read('backup', () =>
      backup(this.#engine, folderPath(folder), parse(this.#engine.shapes.longCallOptions, options, 'options')),
    );
  }

  /**
   * Makes a snapshot: a copy of the whole store in one file, which `restoreSnapshot` makes a store again. Reads and writes continue meanwhile.
   * The copy was opened, and the file was read again, before it gets its name. The option `snapshots` of `open` makes them regularly.
   *
   * @param to The folder for snapshots. It is created if it does not exist, and must not be inside the folder of the store. If the call fails
   * or is aborted, nothing of the snapshot stays there.
   * @param options With `dryRun: true` nothing is written: the folder, the key and the free space are checked.
   * @throws INVALID_INPUT, DISK_FULL, FILE_FAILED; RECORD_DAMAGED if the store is damaged
   */
  async snapshot(to: string | URL, options: SnapshotOptions & { dryRun: true }): Promise<SnapshotPlan>;
  async snapshot(to: string | URL, options?: SnapshotOptions & { dryRun?: false }): Promise<Snapshot>;
  async snapshot(to: string | URL, options?: SnapshotOptions): Promise<Snapshot | SnapshotPlan>;
  async snapshot(to: string | URL, options: SnapshotOptions = {}): Promise<Snapshot | SnapshotPlan> {
    this.#lifetime.assertOpen();
    return this.#calls.read('snapshot', async () => {
      const [folder, parsed] = parseAll([folderShape, to, ['to']], [this.#engine.shapes.snapshotOptions, options]);
      const signals = [parsed.signal, this.#lifetime.ended].filter((each) => each !== undefined);
      const { makeSnapshot, planSnapshot } = await import('./snapshots');
      if (parsed.dryRun === true) return planSnapshot(this.#engine, folder, parsed);
      return makeSnapshot(this.#engine, folder, { ...parsed, signal: AbortSignal.any(signals) });
    });
  }

  /**
   * Removes from disk what was forgotten, now. Without it, the vectors of forgotten memories stay in the approximate index until it is built
   * again, and SQLite may have left copies of a text in unused parts of its pages. The vector indexes are built again, and the database is written
   * again. Reads go on meanwhile; writes wait while the database is written. The audit stays as it is. The signal is heeded between the steps.
   *
   * @throws INVALID_INPUT, STORE_READ_ONLY, DISK_FULL, INDEX_UNAVAILABLE, FILE_FAILED, STORE_BUSY. What was done until then stays done.
   */
  async purge(options: PurgeOptions = {}): Promise<PurgeResult> {
    this.#lifetime.assertOpen();
    return this.#calls.write('purge', async () => {
      this.#engine.writing();
      const parsed = parse(this.#engine.shapes.purgeOptions, options, 'options');
      const signals = [parsed.signal, this.#lifetime.ended].filter((each) => each !== undefined);
      const { purge } = await import('./purge');
      const result = await purge(this.#engine, { ...parsed, signal: AbortSignal.any(signals) });
      // No command is applied that would record it.
      if (parsed.dryRun !== true) await this.#calls.recordRead('purge', {}, []);
      return result;
    });
  }

  /**
   * Compares every record with its checksum, and compares indexes and tags with the records that they are derived from. Reads and
   * writes continue during the check.
   *
   * - `repair`: rebuilds damaged indexes and tags, which blocks the event loop while texts are indexed. A damaged record cannot be
   *   repaired. A read-only store is never repaired. Default: false.
   *
   * @throws INVALID_INPUT; DISK_FULL from a repair. Damage is reported in the result and never thrown.
   */
  async verify(options: LongCallOptions & { repair?: boolean } = {}): Promise<VerifyResult> {
    this.#lifetime.assertOpen();
    return this.#calls.read('verify', () =>
      verify(this.#engine, parse(this.#engine.shapes.verifyOptions, options, 'options')),
    );
  }

  /**
   * Moves the store to another embedder's embedding space, while reads and writes continue. Each memory that has vectors gets new
   * ones, made from its text. Memories written during the move get old and new vectors. Searches use the old vectors until all new
   * ones exist, and then switch in one step. If the move ends early for any reason, call `reembed` again to continue it. The old
   * vectors stay until you call `dropUnusedSpaces`. Until then new memories get old vectors too, while the old embedder is available.
   *
   * @throws INVALID_INPUT, EMBEDDING_FAILED, EMBEDDER_MISSING, DISK_FULL. Searches then use the old vectors as before.
   */
  reembed(embedder: Embedder, options: ReembedOptions = {}): Reembedding {
    this.#lifetime.assertOpen();
    return reembed(this.#host(), embedder, options);
  }

  /**
   * Returns to the embedding space that the store used before `reembed`. Embeds only memories without vectors in that space. The vectors
   * in the current space stay, so another `rollback` can return to it.
   *
   * @throws INVALID_INPUT if there is no previous space, EMBEDDER_MISSING, and every error that `reembed` throws
   */
  rollback(options: ReembedOptions = {}): Reembedding {
    this.#lifetime.assertOpen();
    return rollback(this.#host(), options);
  }

  /**
   * Deletes the vectors of every embedding space except the one that searches use.
   *
   * @throws INVALID_INPUT, DISK_FULL
   */
  async dropUnusedSpaces(options: LongCallOptions = {}): Promise<void> {
    this.#lifetime.assertOpen();
    await this.#calls.write('dropUnusedSpaces', async () => {
      this.#engine.writing();
      const { signal, onProgress } = parse(this.#engine.shapes.longCallOptions, options, 'options');
      const signals = [signal, this.#lifetime.ended].filter((each) => each !== undefined);
      const elapsedMs = startStopwatch();
      await this.#engine.spaces.dropUnused(AbortSignal.any(signals), (done, total) =>
        onProgress?.({ phase: 'drop', done, failed: 0, total, perSecond: (done / elapsedMs()) * 1000 }),
      );
    });
  }

  /**
   * Begins a legal hold. What matches its selection now, did in an earlier revision, or will later, loses nothing when it is forgotten: to
   * everybody it looks forgotten, but `withheld` returns it with all of its revisions. Whoever forgets such a memory cannot tell. Vectors
   * are not kept, because they are made from the text. What was forgotten before stays forgotten.
   *
   * @returns the id of the hold
   * @throws INVALID_INPUT, STORE_READ_ONLY
   */
  async hold(request: HoldRequest, options: CallOptions = {}): Promise<string> {
    return this.#holds.begin(request, options);
  }

  /**
   * Ends a legal hold, and deletes what was kept only for it. What another hold concerns, too, stays.
   *
   * @param options With `dryRun: true` nothing changes, and the result says what would be deleted.
   * @returns `released` is false if no hold in force has this id; `forgotten` is the number of memories that are not kept any more
   * @throws INVALID_INPUT, STORE_READ_ONLY
   */
  async releaseHold(id: string, options: ReleaseHoldOptions = {}): Promise<ReleasedHold> {
    return this.#holds.release(id, options);
  }

  /** Lists the legal holds that are in force. */
  async holds(options: CallOptions = {}): Promise<Hold[]> {
    return this.#holds.list(options);
  }

  /**
   * Lists the memories that were forgotten under a legal hold, in the order in which they were first stored.
   *
   * - `limit`: the largest number. Default: 100; at most 1,000.
   * - `after`: the id of the last one of an earlier list. Default: from the first.
   *
   * @throws INVALID_INPUT, RECORD_DAMAGED
   */
  async withheld(options: CallOptions & { limit?: number; after?: string } = {}): Promise<WithheldMemory[]> {
    return this.#holds.withheld(options);
  }

  /**
   * Erases a user, some memories or a namespace, so that nothing is left but random ids: memories about the user and by it, what was made from
   * them, earlier revisions, words and vectors, and its name in rules and in the audit. Then removes them from disk, and searches every byte of
   * the folder for them. What a legal hold concerns is erased when the hold ends.
   *
   * If something is left to do, such as while another process reads an earlier state, the receipt says so. The same call then finishes the
   * erasure, also after the process was killed in the middle.
   *
   * @param options With `dryRun: true` it only lists what would be erased, and changes nothing.
   * @returns the receipt. Keep it outside the store: `open` needs it to erase again from a restored backup.
   * @throws INVALID_INPUT, STORE_READ_ONLY, RECORD_DAMAGED, DISK_FULL
   */
  erase(target: ErasureTarget, options: ErasureOptions & { dryRun: true }): Promise<ErasurePlan>;
  erase(target: ErasureTarget, options?: ErasureOptions & { dryRun?: false }): Promise<ErasureReceipt>;
  erase(target: ErasureTarget, options?: ErasureOptions): Promise<ErasureReceipt | ErasurePlan>;
  erase(target: ErasureTarget, options: ErasureOptions = {}): Promise<ErasureReceipt | ErasurePlan> {
    return this.#erasures.erase(target, options);
  }

  /** Lists the latest receipt of each erasure, in the order in which the erasures began. */
  receipts(options: CallOptions = {}): Promise<ErasureReceipt[]> {
    return this.#erasures.receipts(options);
  }

  /**
   * Returns a text for how far the store is now: everything that was acknowledged in this process is before it. A read with
   * `consistency: { after: position }`, in this process or in another one that uses the store, includes all of that. The text tells
   * nothing about the store.
   */
  async position(): Promise<string> {
    return this.#lifetime.read(() => this.#engine.levels.position());
  }

  /** Returns figures about the whole store. */
  async stats(): Promise<StoreStats> {
    return this.#calls.read('stats', () => this.#stats());
  }

  #stats(): StoreStats {
    const { state, vectors, embedder, recheckRejected } = this.#engine;
    const pragma = (name: string) => state.database.pragma(name, { simple: true }) as number;
    return translated(() => ({
      memories: state.memoryCount(),
      bytes: pragma('page_count') * pragma('page_size'),
      indexLag: vectors.behind,
      space: embedder.space,
      otherSpaces: otherSpaces(state.interning),
      memory: this.#engine.memoryUse(),
      recheckRejected,
    }));
  }

  /** Adds a listener to an event, and returns the function that removes it. */
  on<E extends keyof StoreEvents>(event: E, listener: (event: StoreEvents[E]) => void): () => void {
    return this.#engine.events.on(event, listener);
  }

  /**
   * Waits for running writes, ends running reads and watches, and releases the folder. Later calls reject with STORE_CLOSED. A second
   * `close` returns the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#lifetime.end().then(() => this.#release());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #host(): MovableStore {
    return { engine: this.#engine, lifetime: this.#lifetime, calls: this.#calls };
  }
}

function otherSpaces(interning: Engine['state']['interning']): StoreStats['otherSpaces'] {
  const roles = ['next', 'previous', 'dropping'] as const;
  return roles.flatMap((role) => {
    const space = interning.spaceInRole(role);
    return space === undefined ? [] : [{ ...space.name, role }];
  });
}

/** A store that another process serves. It has the methods of `MemoryStore` that also work from another process. */
export type ConnectedStore<M = Metadata> = Pick<
  MemoryStore<M>,
  | 'admin'
  | 'audit'
  | 'cluster'
  | 'trust'
  | 'lifecycle'
  | 'as'
  | 'settled'
  | 'position'
  | 'backup'
  | 'snapshot'
  | 'purge'
  | 'verify'
  | 'hold'
  | 'releaseHold'
  | 'holds'
  | 'withheld'
  | 'erase'
  | 'receipts'
  | 'stats'
  | 'close'
  | typeof Symbol.asyncDispose
>;
