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

/** Options of `recall`: a selection of memories, and how to search among them. */
export interface RecallOptions<M = Metadata> extends Selection<M> {
  /** The largest number of hits. From 1 to 1,000, or to `Limits.topK`. Default: 10. */
  topK?: number;
  /**
   * What the score of a hit is made of. Default: 'hybrid'.
   *
   * - 'hybrid': meaning and words.
   * - 'semantic': meaning alone, by the vectors of memories.
   * - 'keyword': words alone, by BM25. It needs no embedder.
   */
  mode?: 'hybrid' | 'semantic' | 'keyword';
  /** The lowest score of a hit, from 0 to 1. Default: 0. */
  threshold?: number;
  /** Adds `parts` to each hit: what each part contributes to its score. Default: false. */
  explain?: boolean;
  /** The query's vector in the embedding space of the store. The query is then not embedded. */
  vector?: Float32Array;
}

/** Options of `list`: a selection of memories, and the order and size of its pages. */
export interface ListOptions<M = Metadata> extends Selection<M> {
  /** The number of memories on a page. Default: 100; at most 1,000. */
  limit?: number;
  /** The `nextCursor` of an earlier page of the same list. Start without a cursor. */
  cursor?: string;
  /** The time to order by. Default: 'createdAt'. */
  orderBy?: 'createdAt' | 'validFrom';
  /** Default: 'newest', which means newest first. */
  order?: 'newest' | 'oldest';
}

/** One page of a list. */
export interface MemoryPage<M = Metadata> {
  items: Memory<M>[];
  /** Reads the next page. Absent on the last page. */
  nextCursor?: string;
}

/** The result of `forgetWhere`. */
export interface ForgetResult {
  /** The number of memories that the selection holds and the principal may read. */
  matched: number;
  /** The number of memories that were forgotten. 0 in a dry run. Below `matched` if the principal may not forget all of them. */
  forgotten: number;
  /** The ids of the memories that were forgotten or, in a dry run, would be forgotten. */
  ids: string[];
}

/** Counts of the memories that a handle can read. */
export interface HandleStats {
  /** The number of active memories that have not expired. */
  memories: number;
  /** The number of namespaces that hold such memories. */
  namespaces: number;
}

/** The changes of an `update`. An absent field stays as it is; `null` sets a field back to its default. */
export type MemoryPatch<M = Metadata> = { text?: string } & {
  [K in keyof MemoryFields<M>]?: MemoryFields<M>[K] | null;
};

/**
 * Everything that one principal can do in one scope. A handle is cheap: make one for each agent, or even for each request.
 *
 * A memory that the principal may not read looks exactly like one that does not exist, in every result, count, score and error.
 * Every method rejects with STORE_CLOSED after the store was closed. A write also rejects with STORE_READ_ONLY, DISK_FULL and
 * OVERLOADED; a call over `MemoryStore.connect` also with STORE_UNREACHABLE and OUTCOME_UNKNOWN.
 */
export interface MemoryHandle<M = Metadata> {
  /**
   * Stores a memory. It is durable when the promise resolves. If the memory has a `key` that exists, that memory is revised.
   *
   * @param text Not blank; at most 1 MB.
   * @throws INVALID_INPUT, FORBIDDEN, NOT_FOUND (the memory in `supersedes`), IDEMPOTENCY_CONFLICT, EMBEDDING_FAILED,
   * EMBEDDER_MISSING
   */
  remember(text: string, options?: Omit<NewMemory<M>, 'text'> & CallOptions): Promise<RememberResult>;
  /**
   * Stores many memories. Items are read in batches, also from a generator or a stream. Without `atomic`, each item is stored by
   * itself and `results` has its error. If the iterable throws, the call throws the same error, and the batches before it are stored.
   *
   * - `atomic`: stores all items or none; at most 10,000 items, or `Limits.atomicBatch`. Default: false.
   * - `batchSize`: the number of items that are read and embedded together, from 1 to 10,000. Default: 256.
   *
   * @throws INVALID_INPUT for the options; with `atomic`, what `remember` throws for any item
   */
  rememberMany(
    items: Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>,
    options?: LongCallOptions & { atomic?: boolean; batchSize?: number },
  ): Promise<BatchResult>;
  /**
   * The memories that match a query best, best first. There are `topK` of them if at least that many memories match: filters and
   * access rules apply before the search.
   *
   * @param query Not blank; at most 1 MB.
   * @throws INVALID_INPUT, EMBEDDING_FAILED, EMBEDDER_MISSING, EMBEDDER_MISMATCH (the store moved to another embedding space than
   * that of `vector`)
   */
  recall(query: string, options?: RecallOptions<M>): Promise<Hit<M>[]>;
  /**
   * One memory by its id, or by its key in a namespace. Undefined if there is none, also if it has expired. If several memories
   * with different labels have the key, the principal's own private one comes first, and then the one with the fewest access tags.
   *
   * @throws INVALID_INPUT, RECORD_DAMAGED
   */
  get(id: string | { namespace: Namespace; key: string }, options?: CallOptions): Promise<Memory<M> | undefined>;
  /**
   * The changes of one memory, oldest first, with the principal that made each of them. Empty if there is no such memory. Of a
   * forgotten memory it has the changes without their content.
   *
   * @throws INVALID_INPUT, RECORD_DAMAGED
   */
  history(id: string, options?: CallOptions): Promise<(MemoryChange<M> & { revision: number; by: Principal })[]>;
  /**
   * The memories of a selection, without a search. Await it for one page, or iterate it for all memories. An iteration checks each
   * memory again if something changed since its page was read.
   *
   * @throws INVALID_INPUT, INVALID_CURSOR, RECORD_DAMAGED
   */
  list(options?: ListOptions<M>): PromiseLike<MemoryPage<M>> & AsyncIterable<Memory<M>>;
  /**
   * The number of memories in a selection.
   *
   * @throws INVALID_INPUT
   */
  count(options?: Selection<M>): Promise<number>;
  /**
   * The namespaces that hold memories, each with their number, ordered label by label.
   *
   * - `within`: only this namespace and below. Default: all.
   * - `maxDepth`: namespaces with more labels are counted in their ancestor with this number of labels. Default: no limit.
   * - `filter`: counts only memories that match.
   *
   * @throws INVALID_INPUT
   */
  namespaces(
    options?: CallOptions & { within?: Namespace; maxDepth?: number; filter?: Filter<M> },
  ): Promise<{ namespace: string[]; count: number }[]>;
  /**
   * Corrects a memory, as a new revision. To replace a memory that was true and is no longer true, use `remember` with `supersedes`.
   *
   * - `ifRevision`: rejects with REVISION_CONFLICT if the memory has another revision.
   *
   * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT, INVALID_INPUT, EMBEDDING_FAILED, EMBEDDER_MISSING
   */
  update(id: string, patch: MemoryPatch<M>, options?: CallOptions & { ifRevision?: number }): Promise<Memory<M>>;
  /**
   * Changes the namespace, visibility or access tags of a memory, as a new revision. It requires `share` in the old namespace,
   * `write` in the new one, and there a clearance for each access tag. Only its author can make a memory private.
   *
   * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT, INVALID_INPUT (also if a memory with the new labels has the same key)
   */
  share(id: string, change: LabelChange, options?: CallOptions & { ifRevision?: number }): Promise<Memory<M>>;
  /**
   * Forgets a memory: its text, its vectors and its earlier revisions are deleted. Returns false if there is no such memory.
   *
   * @throws INVALID_INPUT, FORBIDDEN, REVISION_CONFLICT
   */
  forget(id: string, options?: CallOptions & { ifRevision?: number }): Promise<boolean>;
  /**
   * Forgets the memories of a selection, including expired and superseded ones. Memories that the principal may read but not forget
   * stay.
   *
   * @param selection At least one condition. A selection of every memory is rejected, and so is an empty part of one: `tags: []`,
   * `filter: {}`, `or: []`. To forget everything on purpose, use `filter: { createdAt: { exists: true } }`.
   * @param options `dryRun: true` forgets nothing and returns what would be forgotten.
   * @throws INVALID_INPUT
   */
  forgetWhere(selection: Selection<M>, options: LongCallOptions & { dryRun: boolean }): Promise<ForgetResult>;
  /**
   * The changes of memories as they happen, checked at the moment of delivery. It ends when the signal is aborted or the store
   * closes.
   *
   * - `since`: 'now', 'start' for all changes from the first, or the `cursor` of the last change that you handled. Default: 'now'.
   *
   * @throws INVALID_INPUT, INVALID_CURSOR
   */
  watch(options?: Scope & CallOptions & { since?: 'now' | 'start' | (string & {}) }): AsyncIterable<MemoryChange<M>>;
  /** Counts of the memories that this handle can read. */
  stats(options?: CallOptions): Promise<HandleStats>;
  /** Changes and lists the rules that the principal may administer. */
  readonly access: AccessHandle;
  /** Queries the part of the audit that the principal may audit. */
  readonly audit: AuditHandle;
  /** The scope of the handle. It bounds every call. */
  readonly scope: Readonly<Scope>;
  /**
   * A handle of the same principal with a narrower scope.
   *
   * @throws INVALID_INPUT if the scope lies outside that of this handle
   */
  within(scope: Scope): MemoryHandle<M>;
}
