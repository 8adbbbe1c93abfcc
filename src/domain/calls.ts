/** The options that every call accepts. */
export interface CallOptions {
  /**
   * Cancels the call: it rejects with the reason of the signal. A write is cancelled only until it is proposed to the log; from
   * then on the signal is ignored, and the call resolves as usual.
   */
  signal?: AbortSignal;
}

/** How far a long call has come. */
export interface Progress {
  /** The name of the current step. A call may have several. */
  phase: string;
  /** Items or bytes of this phase that are done. */
  done: number;
  /** Items of this phase that failed. */
  failed: number;
  /** Items or bytes of this phase. Absent while the number is unknown. */
  total?: number;
  /** Items or bytes done per second, since the phase began. */
  perSecond: number;
}

/** The options of a call that may take long. */
export interface LongCallOptions extends CallOptions {
  /** Called while the work goes on. */
  onProgress?: (progress: Progress) => void;
}

/**
 * A moment. As input: a Date, an ISO 8601 string with a time zone ('2026-03-01T12:30:00Z'), or epoch milliseconds. A date without
 * a time and a time without a zone are rejected. So are numbers and strings outside of the years 1990 to 2199, because they are nearly
 * always seconds; a Date may be any time. Memories always return a Date.
 */
export type Time = Date | string | number;
