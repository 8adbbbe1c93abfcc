import type { Time } from './calls';
import { MemoryError } from './errors';
import type { Metadata } from './json';
import type { Namespace } from './namespace';
import type { Trust } from './trust';

/** 'episodic': an event. 'semantic': a fact. 'procedural': a way to do something. 'summary': a summary of other memories. */
export type MemoryKind = 'episodic' | 'semantic' | 'procedural' | 'summary';
export const memoryKinds = ['episodic', 'semantic', 'procedural', 'summary'] as const satisfies readonly MemoryKind[];

/**
 * 'shared': every principal that may read the namespace can read the memory. 'private': only the author can read it. If the author
 * acted on behalf of a user, it can read the memory only on behalf of the same user.
 */
export type Visibility = 'shared' | 'private';

/**
 * 'active': ordinary reads return the memory. 'superseded': a newer memory has replaced it; reads return it only with `include` or
 * `asOf`. 'consolidated': facts were made from it, which ordinary reads return in its place. 'quarantined': the host has
 * contained it, and only the host can read it.
 */
export type MemoryState = 'active' | 'superseded' | 'consolidated' | 'quarantined';
export const memoryStates = [
  'active',
  'superseded',
  'consolidated',
  'quarantined',
] as const satisfies readonly MemoryState[];

/** The way in which the content reached the writer of a memory. */
export type SourceChannel = 'user' | 'agent' | 'tool' | 'document' | 'import' | 'consolidation';
export const sourceChannels = [
  'user',
  'agent',
  'tool',
  'document',
  'import',
  'consolidation',
] as const satisfies readonly SourceChannel[];

/** The source of a memory. Its writer states it, and the store does not verify it. */
export interface MemorySource {
  /** The way in which the content reached the writer. */
  channel: SourceChannel;
  /** A reference within the channel, such as a message id or a URL, at most 512 bytes. Its characters stay as they are. */
  ref?: string;
}

/** Where a memory comes from: its author, which the store stamps, and the channel and the reference, which the author states. */
export interface MemoryOrigin {
  /** The agent that wrote it. Absent if a user or a service wrote it. */
  agentId?: string;
  /** The user on whose behalf it was written. */
  onBehalfOf?: string;
  channel: SourceChannel;
  ref?: string;
}

/** The fields of a memory that `remember` sets and `update` can change. */
export interface MemoryFields<M = Metadata> {
  /** Default: 'episodic'. */
  kind?: MemoryKind;
  /** Words to filter by: up to 64, each at most 512 bytes. Repeats are dropped. Tags in the handle's scope are added. Default: none. */
  tags?: readonly string[];
  /** Importance from 0 to 1. It adds up to 0.03 to the score of a hit. Default: 0.5. */
  priority?: number;
  /** Keeps the memory as it is: no consolidation replaces it, and no retention ends it. It can still be updated and forgotten. Default: false. */
  pinned?: boolean;
  /** Additional data in JSON, at most 64 kB. If a metadata schema was passed to `open`, it checks the data. Default: `{}`. */
  metadata?: M;
  /** The time at which the content became true. `asOf` and the recency of a hit depend on it. Default: the time of the write. */
  validFrom?: Time;
  /** The time at which the content stopped being true. `asOf` depends on it. It must be later than `validFrom`. Default: never. */
  validTo?: Time;
  /** The time at which the memory expires. Later, only reads with `include: ['expired']` return it. Default: never. */
  expiresAt?: Time;
}

/** A memory to store with `remember` or `rememberMany`. */
export interface NewMemory<M = Metadata> extends MemoryFields<M> {
  /** The content: not empty, at most 1 MB in UTF-8. Here and in metadata, half of a surrogate pair is replaced with U+FFFD. */
  text: string;
  /** The namespace in which to store it. Required, unless the handle's scope has a namespace. */
  namespace?: Namespace;
  /** Default: 'shared'. */
  visibility?: Visibility;
  /** Only principals with clearances for all these tags can read the memory. Up to 64. Default: none. */
  accessTags?: readonly string[];
  /** The user that the memory is about. This gives the user no access. Default: the `userId` in the handle's scope. */
  userId?: string;
  /** The session in which it was written. Default: the `sessionId` in the handle's scope. */
  sessionId?: string;
  /** The origin of the content. Default: `{ channel: 'agent' }`. */
  source?: MemorySource;
  /**
   * The id of an older memory that this one replaces, because the facts have changed. The older memory becomes 'superseded', and its
   * `validTo` becomes the `validFrom` of the new memory.
   */
  supersedes?: string;
  /**
   * The ids of the memories from which this one was made, for example of the messages that a summary is about: up to 256. The writer must
   * be able to read each of them. The trust of the new memory is never higher than theirs, now and later. Default: none.
   */
  derivedFrom?: readonly string[];
  /**
   * The highest trust that the memory can have. The store may give it less, never more: use it for content that you rely on less than on
   * the writer. Default: what the ceilings of the writer and the channel allow.
   */
  maxTrust?: Trust;
  /**
   * A name that the writer gives to the memory. It is unique in the namespace: a second write with the same key makes a new revision. Like
   * all names, it is converted to Unicode's normal form NFC, and cannot have control characters or other hidden characters.
   */
  key?: string;
  /**
   * Makes a retry safe. A second call with this key and the same content stores nothing and returns the first result. With other
   * content it fails with IDEMPOTENCY_CONFLICT.
   */
  idempotencyKey?: string;
  /** A vector for the text, in the store's embedding space. It is stored instead of a vector from the embedder. */
  vector?: Float32Array;
  /** `false` stores no vector. The memory can then be found only by id, key, filter and keywords. */
  embed?: false;
}

/** A stored memory. */
export interface Memory<M = Metadata> {
  /** Unique in the store. */
  id: string;
  /** 1 for a new memory. Every later change adds 1. */
  revision: number;
  state: MemoryState;
  namespace: string[];
  visibility: Visibility;
  accessTags: string[];
  key?: string;
  text: string;
  kind: MemoryKind;
  /** The agent that wrote it. Absent if a user or a service wrote it. */
  agentId?: string;
  /** The user on whose behalf it was written. */
  onBehalfOf?: string;
  /** The user that the memory is about. */
  userId?: string;
  sessionId?: string;
  tags: string[];
  /** From 0 to 1. */
  priority: number;
  /** Present, and true, if the memory is pinned. */
  pinned?: boolean;
  metadata: M;
  source: MemorySource;
  origin: MemoryOrigin;
  /**
   * How far the content may be relied on: the lowest of what its author, everybody who has changed it, its channel and its sources have
   * now. See `ceiling`.
   */
  trust: Trust;
  /** The time at which the first revision was written. */
  createdAt: Date;
  /** The time at which the current revision was written. */
  updatedAt: Date;
  /** The time at which the content became true. */
  validFrom: Date;
  /** The time at which the content stopped being true. */
  validTo?: Date;
  /** The time at which the memory expires. Later, ordinary reads do not return it. */
  expiresAt?: Date;
  /** The id of the older memory that this one replaced. Absent if the reader may not read that memory. */
  supersedes?: string;
  /** The id of the newer memory that replaced this one. Absent if the reader may not read that memory. */
  supersededBy?: string;
}

/** The parts of a hit's score. The score is their sum. */
export interface ScoreParts {
  /** The part for the similarity of the vectors. Absent in mode 'keyword'. */
  semantic?: number;
  /** The part for the words that query and text share. Absent in mode 'semantic'. */
  keyword?: number;
  /**
   * The part for the session: what the relevance of the memories around this one, and of the best memory of its session, adds. Absent for a
   * memory that is not in a session with others, and with `context: false`.
   */
  context?: number;
  /** The part for the age since `validFrom`. At most 0.03. */
  recency: number;
  /** The part for the priority of the memory. At most 0.03. */
  priority: number;
  /** The part for the time that the query names. Absent if it names none. At most a quarter of what the other parts leave up to 1. */
  time?: number;
}

/** How a recall searched. It is the same for all hits of a call. It depends only on what the principal may see, apart from `host`. */
export interface SearchSummary {
  /**
   * - 'words': no vectors were compared.
   * - 'exact': all vectors in the selection were compared, so that no better hit exists.
   * - 'approximate': more than `exactUpTo` vectors are in the selection. A few of the best hits may be missing.
   */
  method: 'words' | 'exact' | 'approximate';
  /**
   * The number of different words of the query that were searched for, after stemming. 0 in mode 'semantic', and for a query without words
   * such as '?', which finds nothing by words.
   */
  words: number;
  /** The number of memories that match the selection and that the principal may read. */
  visible: number;
  /** The number of those with vectors, among which the nearest were searched. 0 for 'words'. */
  vectors: number;
  /**
   * The ids of memories that are left out because `maxPerSource` others of the same source match better, best first: the first 20. Absent if there
   * are none.
   */
  passedOver?: string[];
  /** The spans of time that were found in the query: `from <= validFrom < to`. Absent if there are none. */
  times?: { from?: Date; to?: Date }[];
  /** Only for the host (`store.admin`), because it depends on all memories of the store. */
  host?: {
    /**
     * How vectors were compared. Absent if none were. 'bytes': a byte for each dimension. 'signs': first by a bit for each dimension, then
     * the nearest by bytes. 'index': LanceDB proposed some, because not all vectors of the store are in RAM.
     */
    tier?: 'bytes' | 'signs' | 'index';
    /** The number of memories whose scores were computed from the vectors in SQLite. */
    verified: number;
  };
}

/** The part of a text that matches a query best. */
export interface Excerpt {
  /** At most 600 characters (UTF-16 units) of the text, cut at white space if there is some nearby. */
  text: string;
  /** The index of its first character in the text of the memory. */
  start: number;
  /** The index after its last character. */
  end: number;
}

/** The memories that say the same as a hit, and that it stands for. */
export interface StandsFor {
  /** How many others there are among the memories that match at least as well as the last hit. From 1 up. */
  others: number;
  /** The ids of the first 20, best match first. Present with `explain: true`. */
  ids?: string[];
}

/** A memory that `recall` found. */
export interface Hit<M = Metadata> extends Memory<M> {
  /** From 0 to 1; higher is better. Scores from different calls can be compared. */
  score: number;
  /** Present with `explain: true`. */
  parts?: ScoreParts;
  /** Present with `explain: true`. */
  search?: SearchSummary;
  /**
   * How many other sources say the same: with the same numbers, names and negations, in nearly the same words. Only memories that the call may
   * return, that are shared, at least 'standard' and made from no others count, with the same labels and about the same user. Each
   * source counts once (see `maxPerSource`), and all principals that no rule names are one. It raises no `trust`. Present from 2 on, with
   * `explain: true` for every hit, otherwise for hits with a trust below 'standard'.
   */
  corroboratedBy?: number;
  /** The other memories that this one stands for: see `distinct` of `RecallOptions`. Absent if there are none. */
  standsFor?: StandsFor;
  /** The part of the text that matches best. Present if the text has more than 600 characters. */
  excerpt?: Excerpt;
}

/** The result of storing one memory. */
export interface RememberResult {
  id: string;
  revision: number;
  /**
   * 'stored': the call stored a new memory. 'revised': it made a new revision of the memory with the same `key`. 'duplicate': it stored
   * nothing, because an earlier call with the same `idempotencyKey` had stored the memory. 'disputed': it stored the memory, and the one that
   * `supersedes` names stays as it is, because it is more trusted than the writer.
   */
  outcome: 'stored' | 'revised' | 'duplicate' | 'disputed';
}

/** 'stored': the memory is new. 'revised': its content, labels or state changed. 'forgotten': it was forgotten. */
export type ChangeType = 'stored' | 'revised' | 'forgotten';

/** One change to one memory, as `watch` and `history` report it. */
export interface MemoryChange<M = Metadata> {
  type: ChangeType;
  /** The id of the memory. */
  id: string;
  /** The memory as it was directly after this change. Absent if the memory was forgotten by this or a later change. */
  memory?: Memory<M>;
  /** The time at which the change was written. */
  at: Date;
  /** Pass it as `since` to start a watch with the change after this one. */
  cursor: string;
}

/**
 * Checks that a memory still has the revision that the caller has read.
 *
 * @throws REVISION_CONFLICT
 */
export function assertRevision(
  { id, revision }: Pick<Memory, 'id' | 'revision'>,
  ifRevision: number | undefined,
): void {
  if (ifRevision === undefined || ifRevision === revision) return;
  const message = `Memory ${id} has revision ${revision}, not ${ifRevision}. Read it again, then decide again.`;
  throw new MemoryError('REVISION_CONFLICT', message);
}
