import { LRUCache } from 'lru-cache';
import type { Call } from '../domain/calls';
import { MemoryError } from '../domain/errors';
import { onAbort } from './abort-listener';
import { checkedVector, embeddingFailure } from './checked-vector';
import type { Embedder, EmbeddingSpace } from './embedder';
import { allLanded, Flight } from './flight';

/** What `batchingEmbedder` takes. */
export interface BatchingOptions {
  /** Bound of the vectors kept with their texts, least recently used first to go: 16 MB. 0 keeps none. */
  cacheBytes?: number;
}

const defaultCacheBytes = 16_000_000;
/** Texts of one batch: OpenAI takes 2,048, others take fewer; and no caller should wait long for the texts of another. */
const maxBatch = 256;
/** What an entry of the cache takes beside its text and its vector, roughly. */
const entryBytes = 200;

type EmbedAll = (texts: readonly string[], call: Call) => Promise<readonly unknown[]>;
type Role = 'document' | 'query';

/**
 * Makes one embedder serve many callers at once.
 *
 * - Documents of callers that arrive in the same turn, or while a batch is running, go into one batch, each text once.
 * - Texts seen before come from a cache. Vectors are shared: do not change what you are given.
 * - Whatever the embedder returns is checked, and brought to length 1. A wrong number of vectors, a wrong number of dimensions, NaN,
 *   infinity and zero vectors are EMBEDDING_FAILED. So is whatever it throws, with that as the cause, unless it is a
 *   MemoryError already; everyone in that batch gets the error.
 * - A caller that aborts gets its signal's reason at once. The batch goes on for the others, and is aborted when all have left.
 *
 * Uses no timers.
 */
export function batchingEmbedder(
  embedder: Embedder,
  { cacheBytes = defaultCacheBytes }: BatchingOptions = {},
): Embedder {
  return new BatchingEmbedder(embedder, cacheBytes);
}

class BatchingEmbedder implements Embedder {
  readonly space: EmbeddingSpace;
  readonly maxTokens: number;
  readonly #embedder: Embedder;
  readonly #cache: LRUCache<string, Float32Array>;
  readonly #inFlight = new Map<string, Flight>();
  #queue: Flight[] = [];
  #draining = false;

  constructor(embedder: Embedder, cacheBytes: number) {
    this.#embedder = embedder;
    this.space = { ...embedder.space, normalized: true };
    this.maxTokens = embedder.maxTokens;
    this.#cache = new LRUCache({
      // 0 would mean without bound.
      maxSize: Math.max(1, cacheBytes),
      sizeCalculation: (vector, key) => vector.byteLength + 2 * key.length + entryBytes,
    });
  }

  async embedDocuments(texts: readonly string[], { signal }: Call): Promise<readonly Float32Array[]> {
    signal?.throwIfAborted();
    const found = texts.map((text) => this.#find('document', text, (flight) => this.#queue.push(flight)));
    void this.#drain();
    return allLanded(found, signal);
  }

  async embedQuery(text: string, { signal }: Call): Promise<Float32Array> {
    signal?.throwIfAborted();
    const embed: EmbedAll = async (_, call) => [await this.#embedder.embedQuery(text, call)];
    const found = this.#find('query', text, (flight) => void this.#run('query', [flight], embed));
    const [vector] = await allLanded([found], signal);
    return vector!;
  }

  #find(role: Role, text: string, start: (flight: Flight) => void): Float32Array | Flight {
    const key = keyOf(role, text);
    const known = this.#cache.get(key) ?? this.#inFlight.get(key);
    if (known !== undefined) return known;
    const flight = new Flight(text);
    this.#inFlight.set(key, flight);
    start(flight);
    return flight;
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    // Whoever calls in this turn of the event loop joins the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const next = this.#queue.splice(0, maxBatch);
      const batch = next.filter(({ isAwaited }) => isAwaited);
      this.#forget(
        'document',
        next.filter(({ isAwaited }) => !isAwaited),
      );
      const embed: EmbedAll = (texts, call) => this.#embedder.embedDocuments(texts, call);
      if (batch.length > 0) await this.#run('document', batch, embed);
    }
    this.#draining = false;
  }

  /** Never rejects: what fails, fails the flights. */
  async #run(role: Role, batch: readonly Flight[], embed: EmbedAll): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    for (const flight of batch) {
      flight.onAbandoned = () => {
        if (batch.some(({ isAwaited }) => isAwaited)) return;
        // Whoever asks for these texts from now on must not wait for what is being aborted.
        this.#forget(role, batch);
        controller.abort();
      };
    }
    try {
      // An embedder that does not heed the signal must not hold up the next batch.
      const aborted = new Promise<never>((_, reject) => onAbort(signal, () => reject(signal.reason)));
      const embedded = embed(
        batch.map(({ text }) => text),
        { signal },
      );
      this.#land(role, batch, await Promise.race([embedded, aborted]));
    } catch (thrown) {
      const error = embeddingFailure(thrown, this.space);
      for (const flight of batch) flight.fail(error);
    } finally {
      this.#forget(role, batch);
    }
  }

  #land(role: Role, batch: readonly Flight[], returned: readonly unknown[]): void {
    if (!Array.isArray(returned) || returned.length !== batch.length) {
      const message = `The embedder ${this.space.model} returned ${returned?.length} vectors for ${batch.length} texts.`;
      throw new MemoryError('EMBEDDING_FAILED', message);
    }
    for (const [i, flight] of batch.entries()) {
      try {
        const vector = checkedVector(returned[i], this.space);
        this.#cache.set(keyOf(role, flight.text), vector);
        flight.land(vector);
      } catch (error) {
        // One bad vector does not spoil the others.
        flight.fail(error);
      }
    }
  }

  #forget(role: Role, flights: readonly Flight[]): void {
    for (const flight of flights) {
      const key = keyOf(role, flight.text);
      // Another may have taken off for the same text since.
      if (this.#inFlight.get(key) === flight) this.#inFlight.delete(key);
    }
  }
}

// Apart, because many models embed a query otherwise than a document.
function keyOf(role: Role, text: string): string {
  return `${role} ${text}`;
}
