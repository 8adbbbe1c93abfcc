/** The task of a worker. */
export interface WorkerTask {
  readonly folder: string;
  /** The name of the worker and of its memories. No other worker has it, not even the one that replaces it. */
  readonly name: string;
  readonly seed: number;
  readonly perSecond: number;
}

/** A line that a worker writes to stdout. A write has one before it is called and one when it is acknowledged. */
export type WorkerMessage =
  | { readonly say: 'connected' | 'stopped' }
  | ({ readonly say: 'intent' } & Write)
  | { readonly say: 'ack'; readonly n: number; readonly results: readonly WriteResult[] }
  | { readonly say: 'failed'; readonly n: number; readonly error: string }
  | { readonly say: 'recalled'; readonly ms: number };

/** A write. Its number is unique in the worker, and each of its texts in the whole run. */
export type Write = { readonly n: number } & (
  | { readonly kind: 'remember' | 'key' | 'update'; readonly text: string }
  | { readonly kind: 'many' | 'atomic'; readonly texts: readonly string[] }
  | { readonly kind: 'forget'; readonly id: string }
);

/** The result of a write for one memory. */
export interface WriteResult {
  readonly id: string;
  readonly revision: number;
  readonly outcome: string;
}

/** The key that a worker writes repeatedly. */
export function keyOf(name: string): string {
  return `key-of-${name}`;
}

export const namespace = ['team'];
