import type { CallOptions } from '../domain/calls';
import type { ChunkVectors, SpaceName } from '../domain/command';
import { type Issue, MemoryError } from '../domain/errors';
import { onAbort } from '../environment/timers';
import type { CachingEmbedder } from './batching/batching-embedder';
import { splitIntoChunks } from './chunks';
import type { Embedder, EmbeddingSpace } from './embedder';

/** The embedding spaces of a store. */
export interface SpacesInUse {
  /** Returns the space that searches use. Undefined before the first vector. */
  current(): SpaceName | undefined;
  /** Returns the space to which the store is moving, and the space that it used before. */
  others(): readonly SpaceName[];
}

/** The embedders that this library includes. */
export interface BuiltIns {
  /** The embedder of a store that is opened without one. */
  readonly current: Embedder;
  /** The built-in embedders of earlier releases. */
  readonly previous: readonly Embedder[];
}

/** Embeds texts for one store. It returns only vectors of the embedding spaces of that store. */
export class SpaceEmbedder {
  #embedder: Embedder;
  readonly #known: CachingEmbedder[];
  readonly #spaces: SpacesInUse;
  readonly #onFailure: (error: MemoryError) => void;
  #hold: Promise<void> | undefined;

  /**
   * @param known The embedders that the store can use. The first one decides the space of a store without vectors.
   * @param onFailure Called with every failure of an embedder. The caller gets the error too.
   */
  constructor(
    known: readonly [CachingEmbedder, ...CachingEmbedder[]],
    spaces: SpacesInUse,
    onFailure: (error: MemoryError) => void,
  ) {
    this.#embedder = known[0];
    this.#known = [...known];
    this.#spaces = spaces;
    this.#onFailure = onFailure;
  }

  /** The embedding space of the store. Before the first vector: the space that the first vector will have. */
  get space(): EmbeddingSpace {
    const { model, dimensions, normalized } = this.#spaces.current() ?? this.#embedder.space;
    return { model, dimensions, normalized };
  }

  /** The approximate number of bytes of RAM that the vectors of recent texts take. */
  get cachedBytes(): number {
    return this.#known.reduce((sum, each) => sum + each.cachedBytes, 0);
  }

  /** Adds an embedder, or replaces the embedder of the same space. The store must use this space, or have no space yet. */
  use(embedder: CachingEmbedder): void {
    const same = this.#known.findIndex(({ space }) => isSameSpace(space, embedder.space));
    this.#known.splice(same < 0 ? this.#known.length : same, same < 0 ? 0 : 1, embedder);
    const current = this.#spaces.current();
    if (current === undefined || isSameSpace(current, embedder.space)) this.#embedder = embedder;
  }

  /** Returns the embedder of a space, or undefined if the store was opened without it. */
  of(space: SpaceName): CachingEmbedder | undefined {
    return this.#known.find((embedder) => isSameSpace(embedder.space, space));
  }

  /** Returns whether the space of the embedder is one of the spaces of the store. */
  accepts({ space }: Pick<Embedder, 'space'>): boolean {
    const current = this.#spaces.current();
    return current === undefined || [current, ...this.#spaces.others()].some((name) => isSameSpace(name, space));
  }

  /**
   * Embeds new texts. For each text, resolves to one vector for each of its chunks.
   *
   * @throws EMBEDDER_MISSING, EMBEDDING_FAILED
   */
  async documents(texts: readonly string[], call: CallOptions): Promise<ChunkVectors[]> {
    while (this.#hold !== undefined) await untilSettled(this.#hold, call.signal);
    return texts.length === 0 ? [] : this.#embed(this.#current(), texts, call);
  }

  /**
   * Makes `documents` wait until the returned function is called. Queries do not wait. Used at the end of a move to another
   * embedding space: writers could otherwise add vectors to the old space faster than they can be added to the new one.
   */
  hold(): () => void {
    let release = (): void => undefined;
    this.#hold = new Promise((resolve) => {
      release = () => {
        this.#hold = undefined;
        resolve();
      };
    });
    return release;
  }

  /**
   * Embeds texts in one of the spaces of the store.
   *
   * @throws EMBEDDER_MISSING, EMBEDDING_FAILED
   */
  async into(space: SpaceName, texts: readonly string[], call: CallOptions): Promise<ChunkVectors[]> {
    const embedder = this.of(space);
    if (embedder === undefined) throw missing(space);
    return this.#embed(embedder, texts, call);
  }

  async #embed(embedder: Embedder, texts: readonly string[], call: CallOptions): Promise<ChunkVectors[]> {
    // A text from an earlier release may contain half of a surrogate pair, which providers reject.
    const chunks = texts.map((text) => splitIntoChunks(text.toWellFormed(), embedder.maxTokens));
    const vectors = await this.#reported(embedder.embedDocuments(chunks.flat(), call));
    let next = 0;
    return chunks.map(({ length }) => {
      const first = next;
      next += length;
      return { space: embedder.space, vectors: vectors.slice(first, next) };
    });
  }

  /**
   * Embeds a query in the space of the store.
   *
   * @throws EMBEDDER_MISSING, EMBEDDING_FAILED
   */
  async query(text: string, call: CallOptions): Promise<Float32Array> {
    return this.#reported(this.#current().embedQuery(text, call));
  }

  /** Checks a vector that a caller passed. Returns the issues. */
  vectorIssues(vector: Float32Array, path: Issue['path']): Issue[] {
    const { dimensions, model } = this.space;
    if (vector.length === dimensions) return [];
    return [{ path, message: `expected ${dimensions} numbers, the dimensions of ${model}, got ${vector.length}.` }];
  }

  async #reported<T>(embedding: Promise<T>): Promise<T> {
    try {
      return await embedding;
    } catch (error) {
      if (MemoryError.is(error)) this.#onFailure(error);
      throw error;
    }
  }

  #current(): Embedder {
    const current = this.#spaces.current();
    const embedder = current === undefined ? this.#embedder : this.of(current);
    if (embedder === undefined) throw missing(this.space);
    return embedder;
  }
}

/** @throws the signal's reason */
function untilSettled(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(signal.reason));
    void promise.then(() => {
      stopListening();
      resolve();
    });
  });
}

function missing({ model }: SpaceName): MemoryError {
  const message =
    `The vectors of this store come from ${model}, but the store was opened without that embedder. ` +
    `Open it with { embedder }, search in mode 'keyword', or pass a vector of that space.`;
  return new MemoryError('EMBEDDER_MISSING', message);
}

/** Returns whether two names mean the same space. */
export function isSameSpace(a: SpaceName, b: SpaceName): boolean {
  return a.model === b.model && a.dimensions === b.dimensions;
}
