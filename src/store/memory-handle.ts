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

/** The fields that `update` changes. An absent field stays as it is; `null` resets a field to its default. */
export type MemoryPatch<M = Metadata> = { text?: string } & {
  [K in keyof MemoryFields<M>]?: MemoryFields<M>[K] | null;
};

/**
 * What one principal can do inside one scope. Handles are cheap: make one for each agent. Every method acts as if only the
 * memories that the principal may read existed.
 */
export interface MemoryHandle<M = Metadata> {
  /**
   * Stores a memory durably. If its `key` exists already, that memory gets a new revision.
   *
   * @throws INVALID_INPUT, FORBIDDEN, NOT_FOUND and REVISION_CONFLICT (of `supersedes`), IDEMPOTENCY_CONFLICT,
   * EMBEDDING_FAILED, EMBEDDER_MISSING, DISK_FULL, OVERLOADED
   */
  remember(text: string, options?: Omit<NewMemory<M>, 'text'> & CallOptions): Promise<RememberResult>;
  /**
   * Stores many memories: each independently, or all or none with `atomic`. An iterable is read one batch at a time
   * (`batchSize`, default 256). If the iterable throws, this call rejects with that error; earlier batches stay stored.
   */
  rememberMany(
    items: Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>,
    options?: LongCallOptions & { atomic?: boolean; batchSize?: number },
  ): Promise<BatchResult>;
  /** The memories that match a query best, best first. Returns `topK` hits if that many memories match. */
  recall(query: string, options?: RecallOptions<M>): Promise<Hit<M>[]>;
  /**
   * One memory, or undefined if none with this id or key may be read. If several memories have the key, returns the
   * principal's own private memory, otherwise the one with the fewest access tags.
   */
  get(id: string | { namespace: Namespace; key: string }, options?: CallOptions): Promise<Memory<M> | undefined>;
  /** The revisions of one memory, oldest first. Empty if the memory does not exist or may not be read. */
  history(id: string, options?: CallOptions): Promise<(MemoryChange<M> & { revision: number; by: Principal })[]>;
  /** Lists memories without ranking. Await it for one page, or iterate it for all memories. */
  list(options?: ListOptions<M>): PromiseLike<MemoryPage<M>> & AsyncIterable<Memory<M>>;
  /** The number of memories that a selection contains. */
  count(options?: Selection<M>): Promise<number>;
  /**
   * The namespaces that contain memories (that match `filter`, if given), with their numbers. Namespaces deeper than `maxDepth`
   * labels are counted in their ancestor at that depth.
   */
  namespaces(
    options?: CallOptions & { within?: Namespace; maxDepth?: number; filter?: Filter<M> },
  ): Promise<{ namespace: string[]; count: number }[]>;
  /**
   * Corrects a memory: a given field replaces the old value, and `null` resets it to its default. If the world has changed,
   * call `remember` with `supersedes` instead.
   *
   * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT, and the errors of `remember`
   */
  update(id: string, patch: MemoryPatch<M>, options?: CallOptions & { ifRevision?: number }): Promise<Memory<M>>;
  /**
   * Changes who may read a memory, as a new revision. It requires `share` where the memory is, `write` where it goes, and a
   * clearance there for each of its access tags. Only its author can make a memory private.
   *
   * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT, INVALID_INPUT if a memory there has the same key
   */
  share(id: string, change: LabelChange, options?: CallOptions & { ifRevision?: number }): Promise<Memory<M>>;
  /** Forgets a memory with its text and vectors. Returns false if the memory does not exist or may not be read. */
  forget(id: string, options?: CallOptions & { ifRevision?: number }): Promise<boolean>;
  /**
   * Forgets every memory of a selection, including expired, superseded and quarantined ones. With `dryRun: true` it only
   * reports them. An empty selection is an error.
   */
  forgetWhere(selection: Selection<M>, options: LongCallOptions & { dryRun: boolean }): Promise<ForgetResult>;
  /**
   * Yields changes as they happen, after `since`: 'now' (default), 'start', or the cursor of the last change that you saw. Ends
   * when the signal is aborted or the store closes.
   */
  watch(options?: Scope & CallOptions & { since?: 'now' | 'start' | (string & {}) }): AsyncIterable<MemoryChange<M>>;
  /** Figures about the memories that this handle may read. */
  stats(options?: CallOptions): Promise<HandleStats>;
  /** Reads and changes the rules that the principal may administer. */
  readonly access: AccessHandle;
  /** The audit. Requires the action `audit`. */
  readonly audit: AuditHandle;
  /** The scope of this handle. No call reaches outside it. */
  readonly scope: Readonly<Scope>;
  /** A handle of the same principal with a narrower scope. */
  within(scope: Scope): MemoryHandle<M>;
}
