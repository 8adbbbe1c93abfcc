import type { CallOptions } from '../../domain/calls';
import { MemoryError } from '../../domain/errors';
import { isTextFailure } from '../../providers/text-failure';
import type { Embedder, EmbeddingSpace, TextRole } from '../embedder';
import { checkedVector, embeddingFailure } from '../results';
import { allVectors, EmbeddingCache, type PendingVector } from './embedding-cache';

/** The options of `batchingEmbedder`. */
export interface BatchingOptions {
  /**
   * The limit of memory for cached vectors and their texts, in bytes. The least recently used are removed first. Default: 16 MB. 0:
   * no cache.
   */
  cacheBytes?: number;
}

/** The largest number of texts in one batch. Every provider accepts this many, and no caller waits long for the texts of other callers. */
const maxBatch = 256;

/**
 * A batch is halved to find the texts that the provider rejects. This is the largest number of its requests that may fail. 18 are
 * enough to find two texts among 256. If more fail, the cause is not a single text.
 */
const maxFailedRequests = 18;

type EmbedAll = (texts: readonly string[], call: CallOptions) => Promise<readonly unknown[]>;

/**
 * Lets many callers share one embedder.
 *
 * - Documents of callers that arrive in the same turn of the event loop, or while a batch runs, form one batch. Each text is
 *   embedded once. Texts are sorted by length, so that models which pad the texts of a request add little padding.
 * - Vectors of recent texts come from a cache. Callers share these vectors and must not change them.
 * - Every returned vector is checked and scaled to length 1. A wrong number of vectors or dimensions, NaN, infinity and a zero
 *   vector fail with EMBEDDING_FAILED. An error of the embedder becomes the cause of an EMBEDDING_FAILED, unless it is a MemoryError
 *   already.
 * - A wrong vector fails only the callers of that text. Any other failure fails all callers of the batch, except if a provider
 *   rejects a batch because of a text. Then the batch is halved until only the callers of that text fail.
 * - An aborted caller gets the reason of its signal at once. The batch continues for the other callers, and is aborted when no
 *   caller is left.
 *
 * It uses no timers.
 */
export function batchingEmbedder(
  embedder: Embedder,
  { cacheBytes = 16_000_000 }: BatchingOptions = {},
): CachingEmbedder {
  return new BatchingEmbedder(embedder, new EmbeddingCache(cacheBytes));
}

/** An embedder that keeps vectors of recent texts. */
export interface CachingEmbedder extends Embedder {
  /** The approximate number of bytes that these vectors and texts take. */
  readonly cachedBytes: number;
}

class BatchingEmbedder implements CachingEmbedder {
  readonly space: EmbeddingSpace;
  readonly maxTokens: number;
  readonly #embedder: Embedder;
  readonly #cache: EmbeddingCache;
  readonly #queue: PendingVector[] = [];
  #draining = false;

  constructor(embedder: Embedder, cache: EmbeddingCache) {
    this.#embedder = embedder;
    this.#cache = cache;
    this.space = { ...embedder.space, normalized: true };
    this.maxTokens = embedder.maxTokens;
  }

  get cachedBytes(): number {
    return this.#cache.bytes;
  }

  async embedDocuments(texts: readonly string[], { signal }: CallOptions = {}): Promise<readonly Float32Array[]> {
    signal?.throwIfAborted();
    const found = texts.map((text) => this.#cache.find('document', text, (pending) => this.#queue.push(pending)));
    void this.#drain();
    return allVectors(found, signal);
  }

  async embedQuery(text: string, { signal }: CallOptions = {}): Promise<Float32Array> {
    signal?.throwIfAborted();
    const embed: EmbedAll = async (_, call) => [await this.#embedder.embedQuery(text, call)];
    const found = this.#cache.find('query', text, (pending) => void this.#run('query', [pending], embed));
    const [vector] = await allVectors([found], signal);
    return vector!;
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    // Waits until all calls of this turn of the event loop have joined the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const next = this.#queue.splice(0, maxBatch);
      const batch = next.filter(({ isAwaited }) => isAwaited).sort((a, b) => a.text.length - b.text.length);
      const abandoned = next.filter(({ isAwaited }) => !isAwaited);
      this.#cache.release('document', abandoned);
      const embed: EmbedAll = (texts, call) => this.#embedder.embedDocuments(texts, call);
      if (batch.length > 0) await this.#run('document', batch, embed, maxFailedRequests);
    }
    this.#draining = false;
  }

  /**
   * Embeds a batch, in halves if one of its texts makes it fail. Never rejects: a failure rejects the pending vectors.
   *
   * @param allowance How many more requests may fail.
   * @returns How many more requests may fail after this one.
   */
  async #run(role: TextRole, batch: readonly PendingVector[], embed: EmbedAll, allowance = 0): Promise<number> {
    const error = await this.#request(role, batch, embed);
    if (error === undefined) return allowance;
    if (batch.length > 1 && allowance > 0 && isTextFailure(error))
      return this.#runHalves(role, batch, embed, allowance - 1);
    for (const pending of batch) pending.reject(error);
    this.#cache.release(role, batch);
    return allowance - 1;
  }

  async #runHalves(
    role: TextRole,
    batch: readonly PendingVector[],
    embed: EmbedAll,
    allowance: number,
  ): Promise<number> {
    const half = Math.ceil(batch.length / 2);
    const left = await this.#run(role, batch.slice(0, half), embed, allowance);
    return this.#run(role, batch.slice(half), embed, left);
  }

  /** Sends one request for the batch. Resolves to the error if the request failed, otherwise to undefined. */
  async #request(role: TextRole, batch: readonly PendingVector[], embed: EmbedAll): Promise<MemoryError | undefined> {
    const { signal } = this.#abortedWhenAbandoned(role, batch);
    try {
      const texts = batch.map(({ text }) => text);
      // Does not wait for an embedder that ignores its signal, because the next batch must not wait for it.
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      this.#settle(role, batch, await Promise.race([embed(texts, { signal }), aborted]));
      this.#cache.release(role, batch);
      return undefined;
    } catch (thrown) {
      return embeddingFailure(thrown, this.space);
    } finally {
      for (const pending of batch) pending.onAbandoned = undefined;
    }
  }

  #abortedWhenAbandoned(role: TextRole, batch: readonly PendingVector[]): AbortController {
    const controller = new AbortController();
    const onAbandoned = () => {
      if (batch.some(({ isAwaited }) => isAwaited)) return;
      // Later callers of these texts must get a new request, not the one that is being aborted.
      this.#cache.release(role, batch);
      controller.abort();
    };
    for (const pending of batch) pending.onAbandoned = onAbandoned;
    return controller;
  }

  #settle(role: TextRole, batch: readonly PendingVector[], returned: readonly unknown[]): void {
    if (!Array.isArray(returned) || returned.length !== batch.length) {
      const what = Array.isArray(returned) ? `${returned.length} vectors` : 'a value that is not an array';
      const message = `The embedder ${this.space.model} returned ${what} for ${batch.length} texts.`;
      throw new MemoryError('EMBEDDING_FAILED', message);
    }
    for (const [i, pending] of batch.entries()) {
      try {
        const vector = checkedVector(returned[i], this.space);
        this.#cache.keep(role, pending.text, vector);
        pending.resolve(vector);
      } catch (error) {
        pending.reject(error);
      }
    }
  }
}
