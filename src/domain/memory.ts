import { MemoryError } from './errors';
import type { Metadata } from './json';
import type { Namespace } from './namespace';
import type { Time } from './time';

/** What happened, what is so, how something is done, or what many memories come to. */
export type MemoryKind = 'episodic' | 'semantic' | 'procedural' | 'summary';
export const memoryKinds: readonly MemoryKind[] = ['episodic', 'semantic', 'procedural', 'summary'];

/** Readable by whoever may read the namespace, or by the author pair alone. */
export type Visibility = 'shared' | 'private';
/** Ordinary reads find what is active; the others only when they are included. */
export type MemoryState = 'active' | 'superseded' | 'quarantined';

/** Through what a memory came to its writer. */
export type SourceChannel = 'user' | 'agent' | 'tool' | 'document' | 'import' | 'consolidation';
export const sourceChannels: readonly SourceChannel[] = [
  'user',
  'agent',
  'tool',
  'document',
  'import',
  'consolidation',
];

/** Where the writer says that the memory comes from: a claim, not proof. */
export interface MemorySource {
  channel: SourceChannel;
  ref?: string;
}

/** The fields that `update` may change. */
export interface MemoryFields<M = Metadata> {
  /** Default: 'episodic'. */
  kind?: MemoryKind;
  tags?: readonly string[];
  /** 0..1, default 0.5. */
  priority?: number;
  metadata?: M;
  /** When it became true; drives recency and `asOf`. Default: the time of writing. */
  validFrom?: Time;
  /** When it stopped being true; drives `asOf`. */
  validTo?: Time;
  /** From then on it is left out of every read that does not include 'expired'. */
  expiresAt?: Time;
}

/** What `remember` takes. */
export interface NewMemory<M = Metadata> extends MemoryFields<M> {
  text: string;
  /** From the handle, else required: there is no default namespace. */
  namespace?: Namespace;
  /** 'private': for the author pair alone. Default: 'shared'. */
  visibility?: Visibility;
  /** Readable only by who is cleared for all of them. */
  accessTags?: readonly string[];
  /** Whom it is about; gives nobody access. */
  userId?: string;
  sessionId?: string;
  source?: MemorySource;
  /** The id of the memory that this one takes the place of, because the world has changed. */
  supersedes?: string;
  /** The writer's own name for it, unique in its namespace: writing the same key again is a new revision. */
  key?: string;
  /** Makes a repeated call harmless: the same key with the same content answers as the first call did. */
  idempotencyKey?: string;
  /** A vector of the store's embedding space, in place of the embedder's. */
  vector?: Float32Array;
  /** Exact and keyword look-up only. */
  embed?: false;
}

/** One durable record. */
export interface Memory<M = Metadata> {
  id: string;
  /** From 1. */
  revision: number;
  state: MemoryState;
  namespace: string[];
  visibility: Visibility;
  accessTags: string[];
  key?: string;
  text: string;
  kind: MemoryKind;
  /** The agent that wrote it, if its author is an agent. */
  agentId?: string;
  /** The user on whose behalf it was written. */
  onBehalfOf?: string;
  userId?: string;
  sessionId?: string;
  tags: string[];
  priority: number;
  metadata: M;
  source: MemorySource;
  createdAt: Date;
  updatedAt: Date;
  validFrom: Date;
  validTo?: Date;
  expiresAt?: Date;
  supersedes?: string;
  supersededBy?: string;
}

/** What each part adds to a hit's score. The parts add up to it. */
export interface ScoreParts {
  semantic?: number;
  keyword?: number;
  recency: number;
  priority: number;
}

/** A memory that was recalled, with a score in 0..1 that compares between calls. */
export interface Hit<M = Metadata> extends Memory<M> {
  score: number;
  /** Only with `explain`. */
  parts?: ScoreParts;
}

/** What became of a write. 'duplicate': an earlier call with the same idempotency key had stored it. */
export interface RememberResult {
  id: string;
  revision: number;
  outcome: 'stored' | 'revised' | 'duplicate';
}

/** What happened to a memory. */
export type ChangeType = 'stored' | 'revised' | 'forgotten';

/** One change of one memory. `memory` is as it was then; absent once the memory is forgotten. */
export interface MemoryChange<M = Metadata> {
  type: ChangeType;
  id: string;
  memory?: Memory<M>;
  at: Date;
  /** Resumes a watch after this change. */
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
