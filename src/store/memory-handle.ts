import type { CallOptions, LongCallOptions } from '../domain/calls';
import type { LabelChange } from '../domain/command';
import type { Metadata } from '../domain/json';
import type { Hit, Memory, MemoryChange, MemoryFields, NewMemory, RememberResult } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import type { Principal } from '../domain/principal';
import type { Filter, Scope, Selection } from '../domain/selection';
import type { BatchResult } from '../write/remember-many';
import type { AccessHandle } from './access-handle';
import type { AuditHandle } from './audit-handle';

/** How `recall` searches, and among what. */
export interface RecallOptions<M = Metadata> extends Selection<M> {
  /** Default: 10. */
  topK?: number;
  /** Default: 'hybrid'. */
  mode?: 'hybrid' | 'semantic' | 'keyword';
  /** Hits below this score are left out. Default: 0. */
  threshold?: number;
  /** Adds the parts of each score. Default: false. */
  explain?: boolean;
  /** The query's vector, in the store's embedding space, in place of the embedder's. */
  vector?: Float32Array;
}

/** What `list` lists, in which order and pages. */
export interface ListOptions<M = Metadata> extends Selection<M> {
  /** Default: 100; at most 1,000. */
  limit?: number;
  /** Of an earlier page of the same question. */
  cursor?: string;
  /** Default: 'createdAt'. */
  orderBy?: 'createdAt' | 'validFrom';
  /** Default: 'newest'. */
  order?: 'newest' | 'oldest';
}

/** One page of a list. Without `nextCursor` it is the last. */
export interface MemoryPage<M = Metadata> {
  items: Memory<M>[];
  nextCursor?: string;
}

/** What `forgetWhere` did, or would do. */
export interface ForgetResult {
  /** How many memories the selection holds. */
  matched: number;
  /** How many of them went: 0 in a dry run. Fewer than matched where the principal may not forget all of them. */
  forgotten: number;
  /** Those that went, or would go. */
  ids: string[];
}

/** What a principal can know of a store. */
export interface HandleStats {
  /** Memories that may be read: neither expired nor superseded nor quarantined. */
  memories: number;
  /** Namespaces that hold some of them. */
  namespaces: number;
}

/** What `update` changes: absent fields stay, null sets one back to its default. */
export type MemoryPatch<M = Metadata> = { text?: string } & {
  [K in keyof MemoryFields<M>]?: MemoryFields<M>[K] | null;
};

/**
 * What one principal can do inside one scope. Cheap: make as many as there are agents. Every method answers for what the
 * principal may read, as if there were nothing else.
 */
export interface MemoryHandle<M = Metadata> {
  /**
   * Stores a memory, durably. With a `key` that exists, revises that memory.
   *
   * @throws INVALID_INPUT, FORBIDDEN, NOT_FOUND and REVISION_CONFLICT (of `supersedes`), IDEMPOTENCY_CONFLICT,
   * EMBEDDING_FAILED, EMBEDDER_MISSING, DISK_FULL, OVERLOADED
   */
  remember(text: string, options?: Omit<NewMemory<M>, 'text'> & CallOptions): Promise<RememberResult>;
  /**
   * Stores many: each by itself, or with `atomic` all or none. Reads (async) iterables one batch at a time (`batchSize`,
   * default 256). What an iterable throws is thrown here; the batches before it are stored.
   */
  rememberMany(
    items: Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>,
    options?: LongCallOptions & { atomic?: boolean; batchSize?: number },
  ): Promise<BatchResult>;
  /** The memories that answer a question best. While matching ones remain, there are `topK` of them. */
  recall(query: string, options?: RecallOptions<M>): Promise<Hit<M>[]>;
  /**
   * One memory, or undefined where there is none that may be read. Of several with one key, the principal's own private one, else
   * the one with the fewest access tags.
   */
  get(id: string | { namespace: Namespace; key: string }, options?: CallOptions): Promise<Memory<M> | undefined>;
  /** The changes of one memory, oldest first; empty where there is none that may be read. */
  history(id: string, options?: CallOptions): Promise<(MemoryChange<M> & { revision: number; by: Principal })[]>;
  /** Exact questions. Awaited: a page. Iterated: everything. */
  list(options?: ListOptions<M>): PromiseLike<MemoryPage<M>> & AsyncIterable<Memory<M>>;
  count(options?: Selection<M>): Promise<number>;
  /** The namespaces that hold memories, or those that a filter takes. Those deeper than `maxDepth` labels are counted with what they lie in. */
  namespaces(
    options?: CallOptions & { within?: Namespace; maxDepth?: number; filter?: Filter<M> },
  ): Promise<{ namespace: string[]; count: number }[]>;
  /**
   * Corrects a memory: a field replaces, null sets it back to its default. When the world has changed, remember anew
   * with `supersedes`.
   *
   * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT and what `remember` throws
   */
  update(id: string, patch: MemoryPatch<M>, options?: CallOptions & { ifRevision?: number }): Promise<Memory<M>>;
  /**
   * Changes who may read a memory, as a revision: it takes `share` where the memory is, `write` where it goes, and a clearance
   * for each of its access tags there. Only its author makes a memory private.
   *
   * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT, INVALID_INPUT where a memory there has the same key
   */
  share(id: string, change: LabelChange, options?: CallOptions & { ifRevision?: number }): Promise<Memory<M>>;
  /** Forgets a memory, its text and its vectors. False where there is none that may be read. */
  forget(id: string, options?: CallOptions & { ifRevision?: number }): Promise<boolean>;
  /**
   * Forgets everything that a selection holds, expired, superseded and quarantined memories too. An empty selection is an
   * error.
   */
  forgetWhere(selection: Selection<M>, options: LongCallOptions & { dryRun: boolean }): Promise<ForgetResult>;
  /**
   * Changes as they happen, from `since`: 'now' (default), 'start', or the cursor of the last change seen. Ends when the
   * signal is aborted or the store closes.
   */
  watch(options?: Scope & CallOptions & { since?: 'now' | 'start' | (string & {}) }): AsyncIterable<MemoryChange<M>>;
  /** Figures of what may be read here. */
  stats(options?: CallOptions): Promise<HandleStats>;
  /** The rules, as far as the principal may administer them. */
  readonly access: AccessHandle;
  /** The audit, for who may audit. */
  readonly audit: AuditHandle;
  /** The scope that it was made with: what every call of it is bounded by. */
  readonly scope: Readonly<Scope>;
  /** A handle with a narrower scope. */
  within(scope: Scope): MemoryHandle<M>;
}
