import type { CallOptions } from '../../domain/calls';
import { MemoryError } from '../../domain/errors';
import { checkedVector, embeddingFailure } from '../checked-vector';
import type { Embedder, EmbeddingSpace } from '../embedder';
import { onAbort } from './abort-listener';
import { EmbeddingCache, type Role } from './embedding-cache';
import { allLanded, type InFlight } from './in-flight';
import { isTextFailure } from './text-failure';

/** What `batchingEmbedder` takes. */
export interface BatchingOptions {
  /** Bound of the vectors kept with their texts, least recently used first to go: 16 MB. 0 keeps none. */
  cacheBytes?: number;
}

/** Texts of one batch: few enough for every provider, and nobody waits long for the texts of another. */
const maxBatch = 256;

/**
 * Requests of one batch that may fail in the search for the texts that are to blame: enough to find two of 256. More are a fault
 * that has nothing to do with them.
 */
const mostSearches = 18;

type EmbedAll = (texts: readonly string[], call: CallOptions) => Promise<readonly unknown[]>;

/**
 * Makes one embedder serve many callers at once.
 *
 * - Documents of callers that arrive in the same turn, or while a batch is running, go into one batch, each text once, short ones
 *   first: models that fill up what they embed together then have little to fill.
 * - Texts seen before come from a cache. Vectors are shared: do not change what you are given.
 * - Whatever the embedder returns is checked, and brought to length 1. A wrong number of vectors, a wrong number of dimensions,
 *   NaN, infinity and zero vectors are EMBEDDING_FAILED. So is whatever it throws, with that as the cause, unless it is a
 *   MemoryError already. Of what is wrong with one vector those hear who asked for it, of everything else the whole batch. Where
 *   a provider refuses a batch for its texts, the batch is halved until only those fail whose text it refuses.
 * - A caller that aborts gets its signal's reason at once. The batch goes on for the others, and is aborted when all have left.
 *
 * Uses no timers.
 */
export function batchingEmbedder(embedder: Embedder, { cacheBytes = 16_000_000 }: BatchingOptions = {}): Embedder {
  return new BatchingEmbedder(embedder, new EmbeddingCache(cacheBytes));
}

class BatchingEmbedder implements Embedder {
  readonly space: EmbeddingSpace;
  readonly maxTokens: number;
  readonly #embedder: Embedder;
  readonly #known: EmbeddingCache;
  readonly #queue: InFlight[] = [];
  #draining = false;

  constructor(embedder: Embedder, known: EmbeddingCache) {
    this.#embedder = embedder;
    this.#known = known;
    this.space = { ...embedder.space, normalized: true };
    this.maxTokens = embedder.maxTokens;
  }

  async embedDocuments(texts: readonly string[], { signal }: CallOptions = {}): Promise<readonly Float32Array[]> {
    signal?.throwIfAborted();
    const found = texts.map((text) => this.#known.find('document', text, (flight) => this.#queue.push(flight)));
    void this.#drain();
    return allLanded(found, signal);
  }

  async embedQuery(text: string, { signal }: CallOptions = {}): Promise<Float32Array> {
    signal?.throwIfAborted();
    const embed: EmbedAll = async (_, call) => [await this.#embedder.embedQuery(text, call)];
    const found = this.#known.find('query', text, (flight) => void this.#run('query', [flight], embed));
    const [vector] = await allLanded([found], signal);
    return vector!;
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    // Whoever calls in this turn of the event loop joins the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const next = this.#queue.splice(0, maxBatch);
      const batch = next.filter(({ isAwaited }) => isAwaited).sort((a, b) => a.text.length - b.text.length);
      const left = next.filter(({ isAwaited }) => !isAwaited);
      this.#known.forget('document', left);
      const embed: EmbedAll = (texts, call) => this.#embedder.embedDocuments(texts, call);
      if (batch.length > 0) await this.#run('document', batch, embed, mostSearches);
    }
    this.#draining = false;
  }

  /**
   * Never rejects: what fails, fails the flights.
   *
   * @param searches How many more requests may fail in the search for the texts to blame. Resolves to how many are left.
   */
  async #run(role: Role, batch: readonly InFlight[], embed: EmbedAll, searches = 0): Promise<number> {
    const error = await this.#tried(role, batch, embed);
    if (error === undefined) return searches;
    if (batch.length > 1 && searches > 0 && isTextFailure(error))
      return this.#runHalves(role, batch, embed, searches - 1);
    for (const flight of batch) flight.fail(error);
    this.#known.forget(role, batch);
    return searches - 1;
  }

  async #runHalves(role: Role, batch: readonly InFlight[], embed: EmbedAll, searches: number): Promise<number> {
    const half = Math.ceil(batch.length / 2);
    const left = await this.#run(role, batch.slice(0, half), embed, searches);
    return this.#run(role, batch.slice(half), embed, left);
  }

  /** What the batch failed with, if it did. */
  async #tried(role: Role, batch: readonly InFlight[], embed: EmbedAll): Promise<MemoryError | undefined> {
    const { signal } = this.#abortedWhenAllLeft(role, batch);
    try {
      const texts = batch.map(({ text }) => text);
      // An embedder that does not heed the signal must not hold up the next batch.
      const aborted = new Promise<never>((_, reject) => onAbort(signal, () => reject(signal.reason)));
      this.#land(role, batch, await Promise.race([embed(texts, { signal }), aborted]));
      this.#known.forget(role, batch);
      return undefined;
    } catch (thrown) {
      return embeddingFailure(thrown, this.space);
    } finally {
      for (const flight of batch) flight.onAbandoned = undefined;
    }
  }

  #abortedWhenAllLeft(role: Role, batch: readonly InFlight[]): AbortController {
    const controller = new AbortController();
    const onAbandoned = () => {
      if (batch.some(({ isAwaited }) => isAwaited)) return;
      // Whoever asks for these texts from now on must not wait for what is being aborted.
      this.#known.forget(role, batch);
      controller.abort();
    };
    for (const flight of batch) flight.onAbandoned = onAbandoned;
    return controller;
  }

  #land(role: Role, batch: readonly InFlight[], returned: readonly unknown[]): void {
    if (!Array.isArray(returned) || returned.length !== batch.length) {
      const what = Array.isArray(returned) ? `${returned.length} vectors` : 'no array';
      const message = `The embedder ${this.space.model} returned ${what} for ${batch.length} texts.`;
      throw new MemoryError('EMBEDDING_FAILED', message);
    }
    for (const [i, flight] of batch.entries()) {
      try {
        const vector = checkedVector(returned[i], this.space);
        this.#known.keep(role, flight.text, vector);
        flight.land(vector);
      } catch (error) {
        flight.fail(error);
      }
    }
  }
}
