import type { Time } from './calls';
import type { Memory } from './memory';
import type { Actor, Principal } from './principal';

/**
 * Why an incident holds a memory. 'selected': the selection of the incident names it. 'changed': a selected principal changed its content.
 * 'derived': it was made from a held memory. 'superseding': it replaced a held memory.
 */
export type ContainmentReason = 'selected' | 'changed' | 'derived' | 'superseding';
export const containmentReasons = [
  'selected',
  'changed',
  'derived',
  'superseding',
] as const satisfies readonly ContainmentReason[];

/** Selects the memories to contain. A memory must match all given fields. At least one of `by`, `ref` and `ids` is required. */
export interface IncidentSelection {
  /**
   * Selects memories that this principal wrote, or that were written on its behalf, and memories whose content it changed. If the
   * principal has `onBehalfOf`, selects only those of exactly this pair of agent and user.
   */
  by?: Principal;
  /** Selects what was written or changed at this time or later. Default: always. */
  since?: Time;
  /** Selects memories with this reference in their `source`. */
  ref?: string;
  /** Selects these memories. */
  ids?: readonly string[];
}

/** The selection of an incident after parsing. The time is in epoch milliseconds. */
export interface ParsedIncidentSelection {
  readonly by?: Actor;
  readonly since?: number;
  readonly ref?: string;
  readonly ids?: readonly string[];
}

/** A memory that an incident holds. */
export interface ContainedMemory {
  /** The id of the memory. */
  id: string;
  reason: ContainmentReason;
}

/** Memories that were contained together. */
export interface Incident {
  /** Pass it to `release`, `revert` and `influence`. */
  id: string;
  /** The time at which the memories were contained. */
  at: Date;
  /** The principals whose memories were selected. Empty if the selection had no `by`. */
  authors: Principal[];
  /** The memories that the incident holds, in the order in which they were stored. */
  memories: ContainedMemory[];
  /** The ids of memories that held ones had superseded. `revert` restores them. */
  superseded: string[];
  /** The ids of sources of held facts that ordinary reads return again, because the facts stood in their place. */
  returned: string[];
  /** The time at which the last memory was released or reverted. Absent while the incident holds one. */
  ended?: Date;
  /** The reason that was given for the latest release. */
  reason?: string;
}

/**
 * Why a change is not undone. 'changed since': somebody else changed the memory afterwards. 'key taken': another memory has its key where it
 * was. 'missing revision': the revision to restore cannot be read.
 */
export type RevertObstacle = 'changed since' | 'key taken' | 'missing revision';

/** A change that `revert` did not undo. */
export interface RevertConflict {
  /** The id of the memory. */
  id: string;
  obstacle: RevertObstacle;
}

/** The result of `revert`. */
export interface RevertResult {
  /** The memories that have the content, labels and state again that they had before. */
  restored: { id: string; revision: number }[];
  conflicts: RevertConflict[];
}

/** A read that returned a memory. */
export interface InfluencedRead {
  /** The principal that got the memory. */
  by: Principal;
  at: Date;
  /** The ids of memories that the same principal wrote afterwards, in the same session if the memory had one. */
  wroteAfter: string[];
}

/** What a memory, or the memories of an incident, may have influenced. */
export interface Influence {
  /** The memories that certainly depend on it: they were made from it, replaced it, or have a later revision. */
  derived: Memory[];
  /** The reads that returned it. 'unknown' if the audit of reads is off. */
  readBy: InfluencedRead[] | 'unknown';
}
