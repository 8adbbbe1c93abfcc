/** What a worker of the crowd is asked to do. */
export interface WorkerTask {
  readonly folder: string;
  /** Names the worker and its memories: no other has it, not even the one that takes its place. */
  readonly name: string;
  readonly seed: number;
  readonly perSecond: number;
}

/** What a worker says on stdout. Every write is told before it is asked for, and when it was acknowledged. */
export type Line =
  | { readonly say: 'connected' | 'stopped' }
  | ({ readonly say: 'intent' } & Deed)
  | { readonly say: 'ack'; readonly n: number; readonly answers: readonly Answer[] }
  | { readonly say: 'failed'; readonly n: number; readonly error: string }
  | { readonly say: 'recalled'; readonly ms: number };

/** A write. Each text and each number in it is written once in the whole run. */
export type Deed = { readonly n: number } & (
  | { readonly kind: 'remember' | 'key' | 'count'; readonly text: string }
  | { readonly kind: 'many' | 'all'; readonly texts: readonly string[] }
  | { readonly kind: 'forget'; readonly id: string }
);

export interface Answer {
  readonly id: string;
  readonly revision: number;
  readonly outcome: string;
}

/** The key under which a worker writes again and again. */
export function keyOf(name: string): string {
  return `last-word-of-${name}`;
}

export const namespace = ['crowd'];
