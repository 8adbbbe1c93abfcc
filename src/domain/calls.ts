/** What every call takes. */
export interface CallOptions {
  /** Aborted before the write is proposed, the call rejects and nothing is written. After that the signal is ignored. */
  signal?: AbortSignal;
}

/** How far long work has come. `total` is absent while it is not known. */
export interface Progress {
  phase: string;
  done: number;
  failed: number;
  total?: number;
  perSecond: number;
}

/** What every long call takes. */
export interface LongCallOptions extends CallOptions {
  onProgress?: (progress: Progress) => void;
}
