import { type ConnectOptions, connect } from '../connect/connected-store';
import type { LongCallOptions } from '../domain/calls';
import { invalidInput } from '../domain/errors';
import type { Metadata } from '../domain/json';
import { parse, parseAll } from '../domain/parse/shapes';
import { type Principal, root } from '../domain/principal';
import type { Scope } from '../domain/selection';
import type { Embedder, EmbeddingSpace } from '../embedding/embedder';
import { startStopwatch } from '../environment/timers';
import type { ReembedOptions } from '../reembedding/reembedding-run';
import { translated } from '../sqlite/sqlite';
import { RootAudit, type StoreAudit } from './audit-handle';
import { AuditedCalls } from './audited-calls';
import { backup } from './backup';
import { openInMemory } from './composition/compose';
import type { Engine } from './composition/engine';
import { openShared } from './composition/shared-engines';
import type { StoreEvents } from './events';
import { Lifetime } from './lifetime';
import type { MemoryHandle } from './memory-handle';
import { type OpenOptions, parseOptions } from './open-options';
import { PrincipalHandle } from './principal-handle';
import { type MovableStore, type Reembedding, reembed, rollback } from './reembedding';
import { type VerifyResult, verify } from './verify';

/** What the host can know of a whole store. */
export interface StoreStats {
  /** Memories that are not forgotten. */
  memories: number;
  /** Of the database file. */
  bytes: number;
  /** Changes that the vector index has yet to follow. They are found all the same. */
  indexLag: number;
  space: EmbeddingSpace;
  /** Other spaces in which it has vectors: the one that it is on its way to, the one it came from, one that is being dropped. */
  otherSpaces: (EmbeddingSpace & { role: 'next' | 'previous' | 'dropping' })[];
  /** Records that a compiled filter let through and the check on the way out did not: always 0, or a mistake of this library. */
  recheckRejected: number;
}

/**
 * A shared memory for agents, in a folder, or in memory for tests. The host program that opens it is root and gives each agent
 * a handle.
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
  /** The host's own handle: root, which may do everything. */
  readonly admin: MemoryHandle<M>;
  /** The audit: who did what, who saw what, and whether its records are intact. */
  readonly audit: StoreAudit;
  readonly #engine: Engine;
  readonly #release: () => Promise<void>;
  readonly #lifetime = new Lifetime();
  readonly #calls: AuditedCalls;
  #closing: Promise<void> | undefined;

  private constructor(engine: Engine, release: () => Promise<void>) {
    this.#engine = engine;
    this.#release = release;
    this.admin = new PrincipalHandle(engine, this.#lifetime, root, {});
    const caller = { actor: root, scope: {} };
    this.#calls = new AuditedCalls(engine, this.#lifetime, caller);
    this.audit = new RootAudit(engine, this.#calls, caller);
  }

  /**
   * Opens a folder, and creates it if it does not exist. A second `open` of the same folder in this process shares everything
   * with the first.
   *
   * @throws INVALID_INPUT, STORE_HELD if another process writes the folder, STORE_NEWER, EMBEDDER_MISMATCH, RECORD_DAMAGED, DISK_FULL
   */
  static async open<M = Metadata>(folder: string, options: OpenOptions<M> = {}): Promise<MemoryStore<M>> {
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
   * Connects over a local socket to the process of the same user that serves a folder. The handles are the same. If the serving
   * process changes, reads are repeated and each write is done once. If no process serves the folder, a call waits for one, or
   * this process opens and serves the folder if `takeOver` is set.
   *
   * @throws INVALID_INPUT; STORE_UNREACHABLE if no process serves the folder; with `takeOver`, the errors of `open`
   */
  static connect<M = Metadata>(folder: string, options: ConnectOptions<M> = {}): Promise<ConnectedStore<M>> {
    return connect<StoreStats, M>(folder, options, (path, own) => MemoryStore.open(path, own));
  }

  /**
   * A store for unit tests: no disk, no network and no native vector index. It has a fake clock and the same ids in every run,
   * unless the options give others, and works under fake timers.
   */
  static async inMemory<M = Metadata>(options: OpenOptions<M> = {}): Promise<MemoryStore<M>> {
    const parsed = parseOptions(options);
    if (parsed.serve) throw invalidInput([{ path: ['serve'], message: 'needs a folder.' }], 'options');
    const engine = await openInMemory(parsed);
    return new MemoryStore<M>(engine, () => engine.close());
  }

  /**
   * The handle of a principal inside a scope. The host program is responsible for the principal's identity.
   *
   * @throws INVALID_INPUT
   */
  as(principal: Principal, ...given: [scope?: Scope]): MemoryHandle<M> {
    // An explicit `undefined` is an error: a lost variable must not mean "no scope".
    const scope = given.length === 0 ? {} : given[0];
    this.#lifetime.assertOpen();
    const { principal: who, scope: where } = this.#engine.shapes;
    const [actor, bound] = parseAll([who, principal, ['principal']], [where, scope, ['scope']]);
    return new PrincipalHandle<M>(this.#engine, this.#lifetime, actor, bound);
  }

  /** Resolves when the vector index contains every write that was acknowledged before this call. */
  async settled(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#lifetime.assertOpen();
    parse(this.#engine.shapes.callOptions, options, 'options').signal?.throwIfAborted();
    await this.#lifetime.read(() => this.#engine.vectors.settled());
  }

  /** Copies the store as it is now into an empty folder, while reads and writes go on. `open` opens the copy. */
  async backup(folder: string, options: LongCallOptions = {}): Promise<void> {
    this.#lifetime.assertOpen();
    await this.#calls.read('backup', () =>
      backup(this.#engine, folder, parse(this.#engine.shapes.longCallOptions, options, 'options')),
    );
  }

  /** Compares every record, vector and index with its checksum. `repair` rebuilds derived data. */
  async verify(options: LongCallOptions & { repair?: boolean } = {}): Promise<VerifyResult> {
    this.#lifetime.assertOpen();
    return this.#calls.read('verify', () =>
      verify(this.#engine, parse(this.#engine.shapes.verifyOptions, options, 'options')),
    );
  }

  /**
   * Moves this store to another embedding model while reads and writes go on. Every memory with vectors also gets vectors from
   * the new model, and writes made meanwhile get both. Searches use the old vectors until all new ones exist, then switch at once.
   * After an interruption, call it again to continue. The old vectors stay until `dropUnusedSpaces`, and are kept complete while
   * their embedder is available.
   *
   * @throws INVALID_INPUT, EMBEDDING_FAILED, EMBEDDER_MISSING, DISK_FULL, STORE_CLOSED; the store then stays in its old space
   */
  reembed(embedder: Embedder, options: ReembedOptions = {}): Reembedding {
    this.#lifetime.assertOpen();
    return reembed(this.#host(), embedder, options);
  }

  /**
   * Returns to the embedding space that the store had before `reembed`. It is immediate, except that memories written without
   * that space's embedder must be embedded first. The space that it leaves is kept, so you can return to it the same way.
   *
   * @throws INVALID_INPUT if there is no earlier space, EMBEDDER_MISSING, and the errors of `reembed`
   */
  rollback(options: ReembedOptions = {}): Reembedding {
    this.#lifetime.assertOpen();
    return rollback(this.#host(), options);
  }

  /** Deletes the vectors of every embedding space except the one that searches use. */
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

  /** Figures about the whole store. */
  async stats(): Promise<StoreStats> {
    this.#lifetime.assertOpen();
    const { state, vectors, embedder, recheckRejected } = this.#engine;
    const pragma = (name: string) => state.database.pragma(name, { simple: true }) as number;
    return translated(() => ({
      memories: state.memoryCount(),
      bytes: pragma('page_count') * pragma('page_size'),
      indexLag: vectors.behind,
      space: embedder.space,
      otherSpaces: otherSpaces(state.interning),
      recheckRejected,
    }));
  }

  /** Adds an event listener. Call the returned function to remove it. */
  on<E extends keyof StoreEvents>(event: E, listener: (event: StoreEvents[E]) => void): () => void {
    return this.#engine.events.on(event, listener);
  }

  /** Waits for accepted writes, then releases the folder. Closing twice is harmless. */
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

/** A store that this process or another process has opened. */
export type ConnectedStore<M = Metadata> = Pick<
  MemoryStore<M>,
  'admin' | 'audit' | 'as' | 'settled' | 'backup' | 'verify' | 'stats' | 'close' | typeof Symbol.asyncDispose
>;
