import type { Time } from './calls';
import { MemoryError } from './errors';
import type { Metadata } from './json';
import type { Namespace } from './namespace';

/** 'episodic': an event. 'semantic': a fact. 'procedural': a way to do something. 'summary': a digest of other memories. */
export type MemoryKind = 'episodic' | 'semantic' | 'procedural' | 'summary';
export const memoryKinds = ['episodic', 'semantic', 'procedural', 'summary'] as const satisfies readonly MemoryKind[];

/**
 * 'shared': every actor that may read the namespace can read the memory. 'private': only its author can, which is one principal,
 * or one principal on behalf of one user.
 */
export type Visibility = 'shared' | 'private';

/**
 * 'active': returned by ordinary reads. 'superseded': replaced by a newer memory, returned only with `include` or `asOf`.
 * 'quarantined': reserved, no method uses it yet.
 */
export type MemoryState = 'active' | 'superseded' | 'quarantined';

/** How the content reached the writer of a memory. */
export type SourceChannel = 'user' | 'agent' | 'tool' | 'document' | 'import' | 'consolidation';
export const sourceChannels = [
  'user',
  'agent',
  'tool',
  'document',
  'import',
  'consolidation',
] as const satisfies readonly SourceChannel[];

/** The origin of a memory as its writer states it. The store does not verify it. */
export interface MemorySource {
  /** How the content reached the writer. */
  channel: SourceChannel;
  /** A reference inside that channel, such as a message id or a URL. At most 512 bytes. */
  ref?: string;
}

/** The fields of a memory that `remember` sets and `update` can change. */
export interface MemoryFields<M = Metadata> {
  /** Default: 'episodic'. */
  kind?: MemoryKind;
  /** Words to filter by: up to 64, each at most 512 bytes. Repeats are dropped. The tags of the handle's scope are added. Default: none. */
  tags?: readonly string[];
  /** Importance from 0 to 1. It adds up to 0.03 to the score of a hit. Default: 0.5. */
  priority?: number;
  /** Free JSON data, at most 64 kB. Checked by the schema that was given to `open`, if there is one. Default: `{}`. */
  metadata?: M;
  /** When the content became true. `asOf` and the recency of a hit depend on it. Default: the time of the write. */
  validFrom?: Time;
  /** When the content stopped being true. `asOf` depends on it. It must be later than `validFrom`. Default: never. */
  validTo?: Time;
  /** From this time on, only reads with `include: ['expired']` return the memory. Default: never. */
  expiresAt?: Time;
}

/** A memory as `remember` and `rememberMany` accept it. */
export interface NewMemory<M = Metadata> extends MemoryFields<M> {
  /** The content: not empty, at most 1 MB in UTF-8. Half a surrogate pair becomes U+FFFD, here and in metadata. */
  text: string;
  /** Where to store it. Required, unless the scope of the handle has a namespace: there is no global default. */
  namespace?: Namespace;
  /** Default: 'shared'. */
  visibility?: Visibility;
  /** Only actors with a clearance for every one of these tags can read the memory. Up to 64. Default: none. */
  accessTags?: readonly string[];
  /** The user that the memory is about. It gives this user no access. Default: the `userId` of the handle's scope. */
  userId?: string;
  /** The session in which it was written. Default: the `sessionId` of the handle's scope. */
  sessionId?: string;
  /** Where the content comes from. Default: `{ channel: 'agent' }`. */
  source?: MemorySource;
  /** The id of a memory that this one replaces because the facts changed. That memory becomes 'superseded', and its `validTo` the `validFrom` of this one. */
  supersedes?: string;
  /** The writer's own name for the memory, unique in its namespace. A second write with the same key makes a new revision. */
  key?: string;
  /**
   * Makes a retry safe. A second call with this key and the same content stores nothing and returns the first result. With other
   * content it fails with IDEMPOTENCY_CONFLICT.
   */
  idempotencyKey?: string;
  /** A vector of the store's embedding space. It is used in place of a vector from the embedder. */
  vector?: Float32Array;
  /** `false` stores no vector. The memory is then found by id, key, filter and keywords only. */
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
  /** The user that it is about. */
  userId?: string;
  sessionId?: string;
  tags: string[];
  /** From 0 to 1. */
  priority: number;
  metadata: M;
  source: MemorySource;
  /** When its first revision was written. */
  createdAt: Date;
  /** When its current revision was written. */
  updatedAt: Date;
  /** When the content became true. */
  validFrom: Date;
  /** When the content stopped being true. */
  validTo?: Date;
  /** From this time on, ordinary reads leave it out. */
  expiresAt?: Date;
  /** The id of the memory that this one replaced, if the reader may know it. */
  supersedes?: string;
  /** The id of the memory that replaced this one, if the reader may know it. */
  supersededBy?: string;
}

/** What each criterion adds to the score of a hit. The score is their sum. */
export interface ScoreParts {
  /** From the similarity of the vectors. Absent in mode 'keyword'. */
  semantic?: number;
  /** From the shared words. Absent in mode 'semantic'. */
  keyword?: number;
  /** From the age since `validFrom`. At most 0.03. */
  recency: number;
  /** From the priority of the memory. At most 0.03. */
  priority: number;
}

/** A memory that `recall` found. */
export interface Hit<M = Metadata> extends Memory<M> {
  /** From 0 to 1, higher is better. Scores of different calls can be compared. */
  score: number;
  /** Present with `explain: true`. */
  parts?: ScoreParts;
}

/** The result of one stored memory. */
export interface RememberResult {
  id: string;
  revision: number;
  /**
   * 'stored': a new memory. 'revised': a new revision of the memory with the same `key`. 'duplicate': an earlier call with the
   * same `idempotencyKey` stored it, and this call stored nothing.
   */
  outcome: 'stored' | 'revised' | 'duplicate';
}

/** 'stored': a new memory. 'revised': a new revision, new labels, or a new state. 'forgotten': it is gone. */
export type ChangeType = 'stored' | 'revised' | 'forgotten';

/** One change of one memory, as `watch` reports it. */
export interface MemoryChange<M = Metadata> {
  type: ChangeType;
  /** The id of the memory. */
  id: string;
  /** The memory as it was after this change. Absent when the memory was forgotten, now or later. */
  memory?: Memory<M>;
  /** When the change was written. */
  at: Date;
  /** Pass it as `since` to watch from the change after this one. */
  cursor: string;
}

/**
 * Asserts that a memory is at the revision that the caller has read.
 *
 * @throws REVISION_CONFLICT
 */
export function assertRevision(
  { id, revision }: Pick<Memory, 'id' | 'revision'>,
  ifRevision: number | undefined,
): void {
  if (ifRevision === undefined || ifRevision === revision) return;
  const message = `Memory ${id} is at revision ${revision}, not ${ifRevision}. Read it again, then decide again.`;
  throw new MemoryError('REVISION_CONFLICT', message);
}
