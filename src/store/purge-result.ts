import type { LongCallOptions } from '../domain/calls';

/** Options of `MemoryStore.purge`. */
export interface PurgeOptions extends LongCallOptions {
  /** Says how many bytes would be written again, and changes nothing. Default: false. */
  dryRun?: boolean;
}

/** The result of `MemoryStore.purge`. */
export interface PurgeResult {
  /** The number of bytes of the database, its log, the vector indexes and what interrupted work has left, before the call. */
  bytesBefore: number;
  /** The same after the call. */
  bytesAfter: number;
  /** What may still contain forgotten memories, and why. Empty if nothing in the folder does. */
  pending: PendingPurge[];
}

/**
 * A part of a folder that may still contain forgotten memories.
 *
 * - 'log' A reader uses an earlier state of the database. The store tries again until the reader has ended.
 * - 'raft' The log of a cluster keeps entries until a snapshot of the state replaces them.
 */
export interface PendingPurge {
  part: 'log' | 'raft';
  reason: string;
}
