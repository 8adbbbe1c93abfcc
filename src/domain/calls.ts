/** The options that every call accepts. */
export interface CallOptions {
  /**
   * Cancels the call. The call then rejects with the signal's reason. A write can be cancelled only until its command is submitted to
   * the log. After that the signal is ignored, and the call ends as usual.
   */
  signal?: AbortSignal;
}

/**
 * What a read must include. In a store without peers, every read includes all acknowledged writes, and only `after` can wait.
 *
 * - 'session' Everything that was written in this process. What other nodes of a cluster have written may be missing for a short time, at most 2 seconds.
 * - 'linearizable' Also everything that was acknowledged on any node before the call. It costs a round trip to a majority.
 * - `after` Also everything up to a position that `store.position()` returned, on this node or another one.
 * - 'local' Whatever this node has, also without a majority. Only the host may use it, because rules that have ended may still apply.
 */
export type Consistency = 'session' | 'linearizable' | 'local' | { readonly after: string };

/** The options of a call that reads memories. */
export interface ReadOptions extends CallOptions {
  /** What the read must include. Default: 'session'. */
  consistency?: Consistency;
}

/** The progress of a long call. */
export interface Progress {
  /** The name of the current step. A call may have several. */
  phase: string;
  /** The number of items or bytes that are done in this phase. */
  done: number;
  /** The number of items that failed in this phase. */
  failed: number;
  /** The number of all items or bytes in this phase. Absent while it is unknown. */
  total?: number;
  /** Items or bytes done per second, since the phase began. */
  perSecond: number;
}

/** The options of a call that may take long. */
export interface LongCallOptions extends CallOptions {
  /** Is called repeatedly during the call. */
  onProgress?: (progress: Progress) => void;
}

/**
 * A point in time. Input may be a Date, an ISO 8601 string with a time zone ('2026-03-01T12:30:00Z'), or epoch milliseconds. A date
 * without a time and a time without a zone are rejected. Numbers and strings outside the years 1990 to 2199 are rejected too, because
 * such numbers are nearly always seconds. A Date may be any time. In results it is always a Date.
 */
export type Time = Date | string | number;
