import type { LongCallOptions } from './calls';
import type { Namespace } from './namespace';

/**
 * What an erasure is about.
 *
 * - `userId` All memories about the user, and all that the user has written, with everything else that names the user.
 * - `ids` Some memories.
 * - `namespace` All memories in the namespace and below it, with its labels.
 */
export type ErasureTarget = { userId: string } | { ids: readonly string[] } | { namespace: Namespace };

/** Options of an erasure. */
export interface ErasureOptions extends LongCallOptions {
  /** Plans the erasure, and changes nothing. Default: false. */
  dryRun?: boolean;
  /** Why the memories are erased, such as the number of a request. The store keeps it: it must not name the subject. At most 1,000 bytes. */
  reason?: string;
  /** Words by which a person recognises the subject in other memories. The plan lists these memories. Default: none. */
  mentions?: readonly string[];
  /** Keeps what the user has written about others. Its author is then a pseudonym. Default: false. */
  keepAuthored?: boolean;
}

/** The memories that an erasure is about, by their ids. No id is in two of the first three lists. */
export interface ErasurePlan {
  /** Memories about the subject, also those that were about it in an earlier revision, and what is left of forgotten ones. */
  readonly about: readonly string[];
  /** Other memories that the subject has written. Empty with `keepAuthored`. */
  readonly by: readonly string[];
  /** Facts that were made from one of these memories by a consolidation. They are erased, too. */
  readonly derived: readonly string[];
  /** Those of the memories above that a legal hold concerns. They are erased when the hold ends. */
  readonly held: readonly string[];
  /** Other memories that contain one of the words. They stay: a person has to decide about them. */
  readonly mentions: readonly string[];
  /** Other memories that the subject has changed, or whose writers named a memory above as their source. They stay, too. */
  readonly related: readonly string[];
}

/** Identifies the subject of an erasure without its name. */
export interface ErasureSubject {
  readonly kind: 'user' | 'namespace';
  /** HMAC-SHA-256 of the user id, or of the labels, with the secret of the store. */
  readonly hash: string;
  /** The number of labels of a namespace. 0 for a user. */
  readonly depth: number;
}

/** An erasure as the store keeps it. */
export interface StoredErasure {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Absent if the erasure is about some memories by their ids. */
  readonly subject?: ErasureSubject;
  readonly reason?: string;
  /** The number of memories that were erased, with those that a legal hold still keeps. */
  readonly erased: number;
  /** The number of the latest change when everything that is no memory was erased. Absent before. */
  readonly finished?: number;
  /** Whether names stay because a legal hold concerns a memory of the subject. */
  readonly namesWait: boolean;
}

/** How far an erasure is. 'waiting': a legal hold keeps a part of it, and the end of the hold completes the erasure. */
export type ErasureState = 'running' | 'waiting' | 'complete';
