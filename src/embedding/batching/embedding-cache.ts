import { LRUCache } from 'lru-cache';
import { onAbort } from '../../environment/timers';
import type { TextRole } from '../embedder';

/** The estimated memory of a cache entry, in addition to its text and its vector. */
const entryBytes = 200;

/** Contains the vectors of recent texts, and the vectors that are being embedded. */
export class EmbeddingCache {
  readonly #vectors: LRUCache<string, Float32Array>;
  readonly #pending = new Map<string, PendingVector>();

  /** @param maxBytes The limit of memory for cached vectors and their texts. 0 caches nothing. */
  constructor(maxBytes: number) {
    // LRUCache would interpret a `maxSize` of 0 as no limit.
    const maxSize = Math.max(1, maxBytes);
    const sizeCalculation = (vector: Float32Array, key: string) => vector.byteLength + 2 * key.length + entryBytes;
    this.#vectors = new LRUCache({ maxSize, sizeCalculation });
  }

  /** The approximate number of bytes of RAM. */
  get bytes(): number {
    return this.#vectors.calculatedSize;
  }

  /** Returns the vector of a text, cached or pending. If there is neither, creates a pending vector and passes it to `start`. */
  find(role: TextRole, text: string, start: (pending: PendingVector) => void): Float32Array | PendingVector {
    const key = keyOf(role, text);
    const known = this.#vectors.get(key) ?? this.#pending.get(key);
    if (known !== undefined) return known;
    const pending = new PendingVector(text);
    this.#pending.set(key, pending);
    start(pending);
    return pending;
  }

  keep(role: TextRole, text: string, vector: Float32Array): void {
    this.#vectors.set(keyOf(role, text), vector);
  }

  /** Removes these pending vectors, so that new callers no longer share them. */
  release(role: TextRole, batch: readonly PendingVector[]): void {
    for (const pending of batch) {
      const key = keyOf(role, pending.text);
      // The key may already belong to a newer request for the same text.
      if (this.#pending.get(key) === pending) this.#pending.delete(key);
    }
  }
}

function keyOf(role: TextRole, text: string): string {
  return `${role} ${text}`;
}

/** A vector that is being embedded, and how many callers wait for it. */
export class PendingVector {
  readonly text: string;
  readonly vector: Promise<Float32Array>;
  /** `resolve` and `reject` settle `vector`. Only the first call of either has an effect. */
  resolve!: (vector: Float32Array) => void;
  reject!: (error: unknown) => void;
  /** Called when the last waiting caller has left. */
  onAbandoned: (() => void) | undefined;
  #callers = 0;

  constructor(text: string) {
    this.text = text;
    this.vector = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Prevents an unhandled rejection if the request fails after the last caller has left.
    this.vector.catch(() => undefined);
  }

  get isAwaited(): boolean {
    return this.#callers > 0;
  }

  join(): void {
    this.#callers++;
  }

  leave(): void {
    this.#callers--;
    if (!this.isAwaited) this.onAbandoned?.();
  }
}

/** Waits for all vectors, in order. Rejects with the first failure, or with the reason of the signal as soon as it is aborted. */
export async function allVectors(
  found: readonly (Float32Array | PendingVector)[],
  signal: AbortSignal | undefined,
): Promise<Float32Array[]> {
  const awaited = found.filter((each) => each instanceof PendingVector);
  for (const pending of awaited) pending.join();
  let stopListening: (() => void) | undefined;
  try {
    return await new Promise((resolve, reject) => {
      if (signal !== undefined) stopListening = onAbort(signal, () => reject(signal.reason));
      Promise.all(found.map((each) => (each instanceof PendingVector ? each.vector : each))).then(resolve, reject);
    });
  } finally {
    stopListening?.();
    for (const pending of awaited) pending.leave();
  }
}
