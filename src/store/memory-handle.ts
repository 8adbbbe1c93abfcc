import type { CallOptions, LongCallOptions, ReadOptions } from '../domain/calls';
import type { LabelChange, UndoneConsolidation } from '../domain/command';
import type { WithheldMemory } from '../domain/hold';
import type { Metadata } from '../domain/json';
import type { Hit, Memory, MemoryChange, MemoryFields, NewMemory, RememberResult } from '../domain/memory';
import type { Namespace } from '../domain/namespace';
import type { Principal } from '../domain/principal';
import type { QuotaKind, QuotaUse } from '../domain/quota';
import type { Filter, Scope, Selection } from '../domain/selection';
import type { ExportLine, SubjectExportOptions } from '../domain/subject-export';
import type { MinTrust } from '../domain/trust';
import type { ConsolidateOptions, ConsolidationResult } from '../lifecycle/consolidation-options';
import type { ConflictsPage } from '../recall/conflicts';
import type { DuplicatesPage } from '../recall/duplicates';
import type { BatchResult } from '../write/remember-many';
import type { AccessHandle } from './access-handle';
import type { AuditHandle } from './audit-handle';

/** Options of `recall`: they select memories and say how to search among them. */
export interface RecallOptions<M = Metadata> extends Selection<M>, ReadOptions {
  /** The largest number of hits. From 1 to 1,000, or to `Limits.topK`. Default: 10. */
  topK?: number;
  /**
   * How hits are scored. Default: 'hybrid'.
   *
   * - 'hybrid': by meaning and by words.
   * - 'semantic': only by meaning, with the memories' vectors.
   * - 'keyword': only by words, with BM25. It needs no embedder.
   */
  mode?: 'hybrid' | 'semantic' | 'keyword';
  /**
   * The lowest score of a hit, from 0 to 1, or 'likely': only memories that match the query so well by words and meaning that they are likely
   * to answer it, whatever their age, priority and time. Without such a memory the result is empty. Default: 0.
   */
  threshold?: number | 'likely';
  /**
   * Whether the relevance of the other memories of a session counts for a score, because a turn of a conversation is often understood only
   * beside its neighbors. Only memories that the call may return count. A memory without `sessionId` always has the same score. Default: true.
   */
  context?: boolean;
  /**
   * The number of bytes after which the answer ends, even if it has fewer than `topK` hits. It has at least one. `Limits.answerBytes` is
   * the highest number. Default: no such end, and an answer of more than `Limits.answerBytes` is refused.
   */
  maxBytes?: number;
  /**
   * The largest number of hits from one source. A source is the principal that wrote a memory, with the user on whose behalf it did so. In
   * memories with a trust below 'standard', all principals that the rules allow something only as 'everyone' are one source. So are memories of
   * the channels 'tool' and 'document' with the same `ref`. It chooses hits and changes no score: others take the places, as far as they match. From 1 to 1,000, or to `Limits.topK`.
   *
   * Default: 2 among memories with a trust below 'standard', as long as there are hits of another source, and no limit for all others. Pass the
   * value of `topK` for no limit at all.
   */
  maxPerSource?: number;
  /**
   * Which memories say the same, so that one of them is a hit and `standsFor` counts the others. It chooses hits and changes no score: others
   * take the places. The more trusted memory is the hit, then the newer one by `validFrom`; in different sessions, or if the query names a
   * time, the one that matches better. Memories with different namespaces, access tags, users, owners or keys never say the same. Default: 'exact'.
   *
   * - 'exact': memories with equal texts, apart from white space, the case of the first letter, and a full stop at the end.
   * - 'near': also memories with the same content words and near vectors. Texts that differ in a number, a name or a negation never are. A
   *   memory also stands for those that say less.
   * - false: each memory is a hit of its own.
   */
  distinct?: 'near' | 'exact' | false;
  /** Adds `parts` to each hit, which shows how the score was computed, and `search`, which shows how it was found. Default: false. */
  explain?: boolean;
  /**
   * Whether memories of a time that the query names score higher: 'on 19 November', 'last week', 'in March 2022', 'since Monday'. The time
   * is compared with `validFrom`. It leaves no memory out; `during` does. Default: true.
   */
  time?: boolean;
  /**
   * The time zone in which the days of the query begin, as a name of the IANA database such as 'Europe/Rome'. Default: 'UTC', so that an
   * answer does not depend on the machine.
   */
  timeZone?: string;
  /** A vector for the query, in the store's embedding space. With it, the query's text is not embedded. */
  vector?: Float32Array;
}

/** Options of `list`: they select memories and set the order and the page size. */
export interface ListOptions<M = Metadata> extends Selection<M>, ReadOptions {
  /** The number of memories on a page. Default: 100; at most 1,000. */
  limit?: number;
  /**
   * The number of bytes after which a page ends, even if it holds fewer than `limit` memories. It holds at least one. Default:
   * `Limits.answerBytes`, and a higher number counts as that.
   */
  maxBytes?: number;
  /** The `nextCursor` from an earlier page of the same list. Omit it for the first page. */
  cursor?: string;
  /** The field to order by. Default: 'createdAt'. */
  orderBy?: 'createdAt' | 'validFrom';
  /** Default: 'newest', which means newest first. */
  order?: 'newest' | 'oldest';
}

/** One page of memories from `list`. */
export interface MemoryPage<M = Metadata> {
  items: Memory<M>[];
  /** Pass it as `cursor` to read the next page. Absent on the last page. */
  nextCursor?: string;
}

/** Options of `duplicates` and `conflicts`: they select memories and set the page size. Only active memories that have not expired are compared. */
export interface ComparisonOptions<M = Metadata>
  extends Scope,
    Pick<Selection<M>, 'filter'>,
    ReadOptions,
    LongCallOptions {
  /** The number of results at which a page ends. A page can have a few more, of its last memory. Default: 100; at most 1,000. */
  limit?: number;
  /** The `nextCursor` from an earlier page with the same selection. Omit it for the first page. */
  cursor?: string;
}

/** Options of `history`. */
export interface HistoryOptions extends ReadOptions {
  /** The first revision to return. Default: 1. */
  fromRevision?: number;
  /** The largest number of changes to return. From 1 to 10,000. Default: no limit. */
  limit?: number;
}

/** The result of `forgetWhere`. */
export interface ForgetResult {
  /** The number of memories that match the selection and that the principal may read. */
  matched: number;
  /** The number of memories that were forgotten: 0 in a dry run, and less than `matched` if the principal may not forget all. */
  forgotten: number;
  /** The ids of the memories that were forgotten or, in a dry run, would be forgotten. */
  ids: string[];
}

/** Options of `endorse`. */
export interface EndorseOptions extends CallOptions {
  /** How far the memory may be relied on. Not above the ceiling of the principal. */
  as: MinTrust;
  /** Rejects with REVISION_CONFLICT if the memory has another revision: an endorsement is about what its principal has read. */
  ifRevision?: number;
}

/** Selects the memories that `consolidate` takes. */
export type ConsolidationSelection<M = Metadata> = Scope & Pick<Selection<M>, 'filter'>;

/** Counts of the memories that a handle can read. */
export interface HandleStats {
  /** The number of active memories that have not expired. */
  memories: number;
  /** The number of namespaces that contain such memories. */
  namespaces: number;
  /**
   * How much the principal uses of each of its quotas. It counts what the principal has written in every namespace, whatever the scope of
   * the handle, and also memories that it may no longer read. Absent if it has no quota.
   */
  quotas?: { [K in QuotaKind]?: QuotaUse };
}

/** The fields that `update` changes. An absent field stays as it is; `null` resets a field to its default. */
export type MemoryPatch<M = Metadata> = { text?: string } & {
  [K in keyof MemoryFields<M>]?: MemoryFields<M>[K] | null;
};

/**
 * The methods with which one principal reads and writes memories in one scope. Handles are cheap: you can make one for each agent, or
 * even for each request.
 *
 * In every result, count, score and error, a memory that the principal may not read looks as if it did not exist.
 * Every method rejects with STORE_CLOSED after the store was closed. A write also rejects with STORE_READ_ONLY, DISK_FULL,
 * QUOTA_EXCEEDED and OVERLOADED; in a cluster every call also with NO_QUORUM, and a write with OUTCOME_UNKNOWN; a call over `MemoryStore.connect` also with STORE_UNREACHABLE and OUTCOME_UNKNOWN.
 */
export interface MemoryHandle<M = Metadata> {
  /**
   * Stores a memory. It is durable when the promise resolves. If a memory with the same `key` exists, it is revised instead.
   *
   * @param text Not blank; at most 1 MB.
   * @throws INVALID_INPUT, FORBIDDEN, NOT_FOUND (the memory in `supersedes`), IDEMPOTENCY_CONFLICT, EMBEDDING_FAILED,
   * EMBEDDER_MISSING
   */
  remember(text: string, options?: Omit<NewMemory<M>, 'text'> & CallOptions): Promise<RememberResult>;
  /**
   * Stores many memories. The items can also come from a generator or a stream; they are read in batches. Without `atomic`, each item
   * succeeds or fails separately, and `results` contains the errors. If the iterable throws, the call throws the same error, and the
   * batches before it stay stored.
   *
   * - `atomic`: stores all items or none; at most 10,000 items, or `Limits.atomicBatch`. Default: false.
   * - `batchSize`: the number of items that are read and embedded together, from 1 to 10,000. Default: 256.
   *
   * @throws INVALID_INPUT for invalid options; with `atomic`, the error that `remember` would throw for any of the items
   */
  rememberMany(
    items: Iterable<NewMemory<M>> | AsyncIterable<NewMemory<M>>,
    options?: LongCallOptions & { atomic?: boolean; batchSize?: number },
  ): Promise<BatchResult>;
  /**
   * Finds the memories that match a query best, best first. Filters and access rules apply before the search, so the result has `topK`
   * hits whenever that many readable memories match.
   *
   * @param query Not blank; at most 1 MB.
   * @throws INVALID_INPUT, EMBEDDING_FAILED, EMBEDDER_MISSING, EMBEDDER_MISMATCH (`vector` was made for another embedding space than
   * the store's current one)
   */
  recall(query: string, options?: RecallOptions<M>): Promise<Hit<M>[]>;
  /**
   * Reads one memory by its id, or by its key in a namespace. Undefined if it does not exist or has expired. If several memories
   * with different labels have the key, the principal's own private memory comes first, then the one with the fewest access tags.
   *
   * The id can be short: the first 8 characters or more of a UUID, which is the form of the ids that a store makes. Their first 8
   * characters are the time in steps of 65 seconds and the first 13 the millisecond, so memories stored together need about 18. Only memories that
   * the principal may read count. All other methods take whole ids, because a write must not hit another memory by chance.
   *
   * @throws INVALID_INPUT, AMBIGUOUS_ID (a short id of several memories), RECORD_DAMAGED
   */
  get(id: string | { namespace: Namespace; key: string }, options?: ReadOptions): Promise<Memory<M> | undefined>;
  /**
   * Reads the changes to one memory, oldest first, each with the principal that made it. The result is empty if the memory does not
   * exist. For a forgotten memory it has the changes without their content. If all changes are too
   * much for one answer, read them in parts, with `fromRevision` and `limit`.
   *
   * @throws INVALID_INPUT, RECORD_DAMAGED
   */
  history(id: string, options?: HistoryOptions): Promise<(MemoryChange<M> & { revision: number; by: Principal })[]>;
  /**
   * Lists the memories that match a selection, without a search. Await the result for one page, or iterate it for all memories. An
   * iteration checks each memory again if something changed since its page was read.
   *
   * @throws INVALID_INPUT, INVALID_CURSOR, RECORD_DAMAGED
   */
  list(options?: ListOptions<M>): PromiseLike<MemoryPage<M>> & AsyncIterable<Memory<M>>;
  /**
   * Counts the memories that match a selection.
   *
   * @throws INVALID_INPUT
   */
  count(options?: Selection<M> & ReadOptions): Promise<number>;
  /**
   * Lists the namespaces that contain memories, each with the number of its memories, ordered label by label.
   *
   * - `within`: lists only this namespace and those below it. Default: all.
   * - `maxDepth`: adds the counts of deeper namespaces to their ancestor with this number of labels. Default: no limit.
   * - `filter`: counts only memories that match.
   * - `limit`: lists at most this many, from 1 to 10,000. The list also ends if it reaches `Limits.answerBytes`, and has at least one.
   *   Default: lists all, and a list of more than `Limits.answerBytes` is refused.
   * - `after`: lists only namespaces that come after this one in the order. Pass the last namespace of a list to read on, until a list is
   *   empty.
   *
   * @throws INVALID_INPUT
   */
  namespaces(
    options?: ReadOptions & {
      within?: Namespace;
      maxDepth?: number;
      filter?: Filter<M>;
      limit?: number;
      after?: Namespace;
    },
  ): Promise<{ namespace: string[]; count: number }[]>;
  /**
   * Corrects a memory. This makes a new revision. If the memory was true but is not true any more, use `remember` with `supersedes`.
   *
   * - `ifRevision`: rejects with REVISION_CONFLICT if the memory has another revision.
   *
   * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT, INVALID_INPUT, EMBEDDING_FAILED, EMBEDDER_MISSING
   */
  update(id: string, patch: MemoryPatch<M>, options?: CallOptions & { ifRevision?: number }): Promise<Memory<M>>;
  /**
   * Changes the namespace, visibility or access tags of a memory. This makes a new revision. It requires `share` in the old namespace,
   * and in the new one `write` and a clearance for each access tag. Only the author of a memory can make it private.
   *
   * @throws NOT_FOUND, FORBIDDEN, REVISION_CONFLICT, INVALID_INPUT (also if another memory with the new labels has the same key)
   */
  share(id: string, change: LabelChange, options?: CallOptions & { ifRevision?: number }): Promise<Memory<M>>;
  /**
   * Forgets a memory: its text, its vectors and its earlier revisions are deleted. Returns false if there is no such memory. In a cluster it
   * resolves when no node can return the memory any more.
   *
   * @throws INVALID_INPUT, FORBIDDEN, REVISION_CONFLICT
   */
  forget(id: string, options?: CallOptions & { ifRevision?: number }): Promise<boolean>;
  /**
   * Forgets all memories that match a selection, including expired and superseded ones. Memories that the principal may read but not
   * forget stay.
   *
   * @param selection Must have at least one condition. A selection that matches every memory is rejected, and so are the empty conditions
   * `tags: []`, `filter: {}` and `or: []`. To forget everything on purpose, use `filter: { createdAt: { exists: true } }`.
   * @param options With `dryRun: true` nothing is forgotten, and the result shows what would be forgotten.
   * @throws INVALID_INPUT
   */
  forgetWhere(selection: Selection<M>, options: LongCallOptions & { dryRun: boolean }): Promise<ForgetResult>;
  /**
   * Replaces memories by fewer and shorter facts, which quote them. The memories stay, in the state 'consolidated': ordinary reads return the
   * facts, `sources` returns the memories of a fact, and `undoConsolidation` brings them back. A fact is a memory of the kind 'summary' and
   * never outlives a change of its sources: if one of them is updated, shared, superseded or forgotten, the fact is forgotten, and the
   * others are active again.
   *
   * All memories of a group have the same namespace, access tags, visibility, author if they are private, `userId`, kind and trust, so the
   * facts can be read by exactly those who can read the memories. Memories that have metadata, a key or a `validTo` are left as they are.
   * It requires `consolidate`.
   *
   * @param selection Selects memories, by scope and filter. Only active ones that have not expired are consolidated.
   * @throws INVALID_INPUT, QUOTA_EXCEEDED, EMBEDDING_FAILED, EMBEDDER_MISSING
   */
  consolidate(selection: ConsolidationSelection<M>, options: ConsolidateOptions): Promise<ConsolidationResult>;
  /**
   * Reads the memories from which a memory was made, in the order in which they were stored. Contains only those that the principal may
   * read; empty if it may not read the memory itself.
   *
   * @throws INVALID_INPUT, RECORD_DAMAGED
   */
  sources(id: string, options?: ReadOptions): Promise<Memory<M>[]>;
  /**
   * Reads the memories that were made from a memory, in the order in which they were stored. Contains only those that the principal may
   * read; empty if it may not read the memory itself.
   *
   * @throws INVALID_INPUT, RECORD_DAMAGED
   */
  derived(id: string, options?: ReadOptions): Promise<Memory<M>[]>;
  /**
   * Forgets a fact that `consolidate` has made, and makes its sources active again, as they were. Facts that share a source with it, or
   * were made from it, are forgotten too. It requires `consolidate`.
   *
   * @throws NOT_FOUND (also if the memory is no such fact), FORBIDDEN, INVALID_INPUT
   */
  undoConsolidation(id: string, options?: CallOptions): Promise<UndoneConsolidation>;
  /**
   * States that the content of a memory may be relied on, although its author, its channel or somebody who has changed it is less trusted.
   * This makes a new revision. The statement counts as much as the principal that makes it: if its ceiling falls below `as` later, the
   * trust of the memory falls at once. It never lowers trust. It ends with the next `update` or revision with the key, if the memory
   * moves to another namespace, and when the memory is contained. The memory stays at most as trusted as the memories from which
   * it was made. It requires `endorse`.
   *
   * @throws NOT_FOUND, FORBIDDEN (also if `as` is above the ceiling of the principal, or the memory is more trusted than it),
   * REVISION_CONFLICT, INVALID_INPUT (also if a source is less trusted than `as`)
   */
  endorse(id: string, options: EndorseOptions): Promise<Memory<M>>;
  /**
   * Lists groups of memories that say the same, in equal texts or in nearly the same words with nearly the same vectors. Texts that differ in
   * a number, a name or a negation never do, nor do texts of which each has a content word that the other lacks. Only memories with the same
   * namespace, access tags and visibility that are about the same user are compared; texts of more than 1,000 characters only for being
   * equal, and of more than 10,000 not at all.
   *
   * Nothing is merged: `forget` the memories that you do not need. A page compares at most 1,000 memories, and may be empty although there
   * are more pages.
   *
   * @throws INVALID_INPUT, INVALID_CURSOR
   */
  duplicates(options?: ComparisonOptions<M>): Promise<DuplicatesPage<M>>;
  /**
   * Lists pairs of memories that seem to say different things about one subject: they share most words, and differ in a number, a name,
   * another value or a negation. The pair with the latest memory comes first. They are suggestions for a person or an agent, who can settle a
   * pair by storing what is right with `supersedes`. Memories that are not true at the same time (`validFrom`, `validTo`) are no conflict.
   * The same memories are compared as by `duplicates`.
   *
   * @throws INVALID_INPUT, INVALID_CURSOR
   */
  conflicts(options?: ComparisonOptions<M>): Promise<ConflictsPage<M>>;
  /**
   * Watches for changes to memories. Access to each change is checked when it is delivered. The watch ends when the signal is aborted or
   * the store closes.
   *
   * - `since`: 'now', 'start' for all changes from the first, or the `cursor` of the last change that you handled. Default: 'now'.
   *
   * @throws INVALID_INPUT, INVALID_CURSOR. The first `next()` of an iteration rejects with QUOTA_EXCEEDED if the principal has too many
   * watches.
   */
  watch(options?: Scope & CallOptions & { since?: 'now' | 'start' | (string & {}) }): AsyncIterable<MemoryChange<M>>;
  /**
   * Exports what this handle can read about a user, line by line: the memories about the user, in whatever state, and those that the user
   * or an agent on its behalf wrote, each with its revisions, links and recipients; the rules that name the user; and the namespaces that
   * have it as a label. These are the memories that an erasure of the user would forget. Print each line as JSON, and the command
   * `import` takes the file. Other users get pseudonyms.
   *
   * Each line is checked when it is delivered and recorded in the audit. Restart the iteration if it ends without its last line.
   *
   * @throws INVALID_INPUT, RECORD_DAMAGED, at the first `next()` or later
   */
  exportSubject(subject: { userId: string }, options?: SubjectExportOptions): AsyncIterable<ExportLine>;
  /**
   * Lists the memories that were forgotten under a legal hold, in the order in which they were first stored. Empty unless the principal may
   * both `audit` and `erase` their namespace, and is cleared for their access tags.
   *
   * - `limit`: the largest number. Default: 100; at most 1,000.
   * - `after`: the id of the last one of an earlier list. Default: from the first.
   *
   * @throws INVALID_INPUT
   */
  withheld(options?: CallOptions & { limit?: number; after?: string }): Promise<WithheldMemory<M>[]>;
  /** Counts the memories that this handle can read. */
  stats(options?: ReadOptions): Promise<HandleStats>;
  /** Changes and lists the rules that the principal may administer. */
  readonly access: AccessHandle;
  /** Queries the part of the audit that the principal may audit. */
  readonly audit: AuditHandle;
  /** The scope of the handle. It limits every call. */
  readonly scope: Readonly<Scope>;
  /**
   * Makes a handle for the same principal with a narrower scope.
   *
   * @throws INVALID_INPUT if the given scope is outside this handle's scope
   */
  within(scope: Scope): MemoryHandle<M>;
}
