import type { Time } from './calls';
import type { Principal } from './principal';

/**
 * What is unusual about some writes:
 *
 * - 'rate': a principal wrote far more in one minute than in any minute of its week before.
 * - 'share': most new memories of a namespace come from one source, which wrote less than half of the earlier ones.
 * - 'far': a principal wrote for the first time below a top-level namespace, after at least 10 memories in others.
 * - 'copies': at least 3 new memories say nearly the same.
 */
export type AnomalyKind = 'rate' | 'share' | 'far' | 'copies';

/** Something unusual about writes. It may well have a good reason: nothing is refused, and nothing is contained. */
export interface Anomaly {
  kind: AnomalyKind;
  /** Who wrote: at most 20 principals. More than one if the rules name none of them, so that they count as one, or for copies. */
  by: Principal[];
  /** The namespace that it is about. Absent for 'rate' and 'copies'. */
  namespace?: string[];
  /** The time of the first write that belongs to it. */
  at: Date;
  /** How many new memories belong to it. For 'rate': how many in its busiest minute. */
  count: number;
  /**
   * What `count` is compared with. 'rate': the most in one minute of the week before. 'share': all new memories of the namespace. 'far': the
   * earlier memories of the principal. 'copies': all new memories that were compared.
   */
  of: number;
  /** The ids of the first of these memories, at most 20. */
  ids: string[];
}

/** Options of `TrustHandle.anomalies`. */
export interface AnomalyOptions {
  /** Looks at what was written at this time or later. Default: 24 hours ago. */
  since?: Time;
  signal?: AbortSignal;
}
