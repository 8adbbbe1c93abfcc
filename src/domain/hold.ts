import type { CallOptions } from './calls';
import type { Metadata } from './json';
import type { Memory } from './memory';
import type { ParsedScope } from './scope';
import type { Scope } from './selection';

/** What a new legal hold is about. */
export interface HoldRequest {
  /** What the hold is for, such as the name of a lawsuit. At most 1,000 bytes. */
  matter: string;
  /** The memories that must be kept: all that match each given field now, that did in an earlier revision, or that will later. */
  selection: Scope;
}

/** A legal hold that is in force. */
export interface Hold extends HoldRequest {
  id: string;
  since: Date;
}

/** Options of `releaseHold`. */
export interface ReleaseHoldOptions extends CallOptions {
  /** Changes nothing, and says what would be done. Works with `readOnly`, too. Default: false. */
  dryRun?: boolean;
}

/** The result of `releaseHold`. In a dry run it says what would be done. */
export interface ReleasedHold {
  /** False if no hold in force has this id. */
  released: boolean;
  /** The number of memories that no hold concerns any more, and of which nothing is kept. */
  forgotten: number;
}

/** A memory that was forgotten while a legal hold was in force. Only the host can read it, and principals with `audit` and `erase` there. */
export interface WithheldMemory<M = Metadata> {
  id: string;
  forgottenAt: Date;
  /** All revisions, oldest first. The last one is what the memory was when it was forgotten. */
  revisions: Memory<M>[];
}

/** A legal hold as `apply` sees it. */
export interface StoredHold {
  readonly id: string;
  readonly matter: string;
  readonly scope: ParsedScope;
  /** Epoch milliseconds. */
  readonly since: number;
}
