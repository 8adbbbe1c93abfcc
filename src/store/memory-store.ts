import type { Long } from '../domain/calls';
import type { Meta } from '../domain/json';
import { parse, parseAll } from '../domain/parse/parse';
import type { Principal } from '../domain/principal';
import { root } from '../domain/principal';
import type { Scope } from '../domain/selection';
import type { EmbeddingSpace } from '../embedding/embedder';
import { translated } from '../sqlite/errors';
import { RootAudit, type StoreAudit } from './audit-handle';
import { AuditedCalls } from './audited-calls';
import { backup } from './backup';
import { openInMemory } from './compose';
import type { Engine } from './engine';
import type { Events } from './events';
import { Lifetime } from './lifetime';
import type { MemoryHandle } from './memory-handle';
import { type OpenOptions, parseOptions } from './open-options';
import { PrincipalHandle } from './principal-handle';
import { openShared } from './shared-engines';
import { type VerifyResult, verify } from './verify';

/** What the host can know of a whole store. */
export interface Stats {
  /** Memories that are not forgotten. */
  memories: number;
  /** Of the database file. */
  bytes: number;
  /** Changes that the vector index has yet to follow. They are found all the same. */
  behind: number;
  space: EmbeddingSpace;
  /** Records that a compiled filter let through and the check on the way out did not: always 0, or a mistake of this library. */
  recheckRejected: number;
}

/**
 * A shared memory for agents, in a folder or for tests. Whoever opens it is root; agents get handles.
 *
 * @example
 * ```ts
 * import { allow, MemoryStore } from 'multi-agent-memory';
 * await using store = await MemoryStore.open('./memory', { access: [allow('everyone', 'writer', ['support'])] });
 * const billing = store.as({ agentId: 'billing' }, { namespace: ['support'] });
 * await billing.remember('Customer 4417 wants the refund on the card.', { userId: 'customer-4417' });
 * const hits = await billing.recall('how does the customer want to be paid back?', { userId: 'customer-4417' });
 * ```
 */
export class MemoryStore<M = Meta> implements AsyncDisposable {
  /** The host's own handle: root, who may do everything. */
  readonly admin: MemoryHandle<M>;
  /** Who did what and who saw what, and whether the record of it can be trusted. */
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
    const reader = { actor: root, bound: {}, readables: engine.readables };
    this.#calls = new AuditedCalls(engine, this.#lifetime, reader);
    this.audit = new RootAudit(engine, this.#calls, reader);
  }

  /**
   * Opens a folder, and makes it where there is none. A second `open` of the same folder in this process shares everything
   * with the first.
   *
   * @throws INVALID_INPUT, STORE_HELD where another process has it, STORE_NEWER, EMBEDDER_MISMATCH, RECORD_DAMAGED, DISK_FULL
   */
  static async open<M = Meta>(folder: string, options: OpenOptions<M> = {}): Promise<MemoryStore<M>> {
    const { engine, release } = await openShared(folder, parseOptions(options));
    return new MemoryStore<M>(engine, release);
  }

  /**
   * A store for unit tests: no disk, no network, no native vector index; a fake clock and stable ids, unless the options bring
   * others; works under fake timers.
   */
  static async inMemory<M = Meta>(options: OpenOptions<M> = {}): Promise<MemoryStore<M>> {
    const engine = await openInMemory(parseOptions(options));
    return new MemoryStore<M>(engine, () => engine.close());
  }

  /**
   * The handle of a principal, inside a scope. The host vouches for who it is.
   *
   * @throws INVALID_INPUT
   */
  as(principal: Principal, ...given: [scope?: Scope]): MemoryHandle<M> {
    // A scope that got lost must not become none at all.
    const scope = given.length === 0 ? {} : given[0];
    this.#lifetime.assertOpen();
    const { principal: who, scope: where } = this.#engine.shapes;
    const [actor, bound] = parseAll([who, principal, ['principal']], [where, scope, ['scope']]);
    return new PrincipalHandle<M>(this.#engine, this.#lifetime, actor, bound);
  }

  /** Resolves when the indexes have caught up with everything acknowledged before. */
  async settled(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#lifetime.assertOpen();
    parse(this.#engine.shapes.call, options, 'The options').signal?.throwIfAborted();
    await this.#lifetime.read(() => this.#engine.vectors.settled());
  }

  /** Copies the store as it is now into an empty folder, which `open` opens, while reads and writes go on. */
  async backup(folder: string, options: Long = {}): Promise<void> {
    this.#lifetime.assertOpen();
    await this.#calls.read('backup', () =>
      backup(this.#engine, folder, parse(this.#engine.shapes.backup, options, 'The options')),
    );
  }

  /** Compares everything with its checksums. `repair` makes anew what is derived. */
  async verify(options: Long & { repair?: boolean } = {}): Promise<VerifyResult> {
    this.#lifetime.assertOpen();
    return this.#calls.read('verify', () =>
      verify(this.#engine, parse(this.#engine.shapes.verify, options, 'The options')),
    );
  }

  async stats(): Promise<Stats> {
    this.#lifetime.assertOpen();
    const { truth, vectors, embedder, recheckRejected } = this.#engine;
    const pragma = (name: string) => truth.database.pragma(name, { simple: true }) as number;
    return translated(() => ({
      memories: truth.memories(),
      bytes: pragma('page_count') * pragma('page_size'),
      behind: vectors.behind,
      space: embedder.space,
      recheckRejected,
    }));
  }

  /** Listens to an event. The answer ends it. */
  on<E extends keyof Events>(event: E, listener: (event: Events[E]) => void): () => void {
    return this.#engine.events.on(event, listener);
  }

  /** Waits for what was accepted, then gives the folder back. Closing twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#lifetime.end().then(() => this.#release());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
