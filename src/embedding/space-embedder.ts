import type { Call } from '../domain/calls';
import type { Embedded, SpaceName } from '../domain/command';
import { type Issue, MemoryError } from '../domain/errors';
import type { Embedder, EmbeddingSpace } from './embedder';
import { splitIntoParts } from './parts';

/** Embeds for one store: whatever comes out lies in the store's space, or nothing does. */
export class SpaceEmbedder {
  #embedder: Embedder;
  readonly #recorded: () => SpaceName | undefined;

  readonly #onFailure: (error: MemoryError) => void;

  /**
   * @param recorded Tells the space that the store's vectors are in, once it has one.
   * @param onFailure Told of every failure of the embedder, beside the caller who gets it.
   */
  constructor(embedder: Embedder, recorded: () => SpaceName | undefined, onFailure: (error: MemoryError) => void) {
    this.#embedder = embedder;
    this.#recorded = recorded;
    this.#onFailure = onFailure;
  }

  /** The store's space; before its first vector, the space that vector will have. */
  get space(): EmbeddingSpace {
    const { model, dimensions, normalized } = this.#recorded() ?? this.#embedder.space;
    return { model, dimensions, normalized };
  }

  /** Takes another embedder, of the store's space or for a store that has none yet. */
  use(embedder: Embedder): void {
    this.#embedder = embedder;
  }

  /** Whether vectors of that embedder compare with the store's. */
  accepts({ space }: Embedder): boolean {
    const recorded = this.#recorded();
    return recorded === undefined || (recorded.model === space.model && recorded.dimensions === space.dimensions);
  }

  /** The vectors of each text: one for each of its parts. Throws EMBEDDER_MISSING, EMBEDDING_FAILED. */
  async documents(texts: readonly string[], call: Call): Promise<Embedded[]> {
    if (texts.length === 0) return [];
    const embedder = this.#present();
    const parts = texts.map((text) => splitIntoParts(text, embedder.maxTokens));
    const vectors = await this.#reported(embedder.embedDocuments(parts.flat(), call));
    let next = 0;
    return parts.map(({ length }) => {
      const first = next;
      next += length;
      return { space: embedder.space, vectors: vectors.slice(first, next) };
    });
  }

  /** The vector of a query. Throws EMBEDDER_MISSING, EMBEDDING_FAILED. */
  async query(text: string, call: Call): Promise<Float32Array> {
    return this.#reported(this.#present().embedQuery(text, call));
  }

  /** Why a vector that a caller brings cannot be taken. */
  vectorIssues(vector: Float32Array, path: Issue['path']): Issue[] {
    const { dimensions, model } = this.space;
    if (vector.length === dimensions) return [];
    return [{ path, message: `has ${vector.length} numbers; vectors of this store (${model}) have ${dimensions}.` }];
  }

  /** A vector that a caller brings, at length 1. */
  given(vector: Float32Array): Embedded {
    const { dimensions } = this.space;
    if (vector.length !== dimensions)
      throw new Error(`A vector of ${vector.length} numbers passed for one of ${dimensions}.`);
    return { space: this.space, vectors: [unit(vector)] };
  }

  async #reported<T>(embedding: Promise<T>): Promise<T> {
    try {
      return await embedding;
    } catch (error) {
      if (MemoryError.is(error)) this.#onFailure(error);
      throw error;
    }
  }

  #present(): Embedder {
    if (this.accepts(this.#embedder)) return this.#embedder;
    const { model } = this.space;
    const message = `The store's vectors come from ${model}, and the store was opened without that embedder: open it with { embedder }, search with mode 'keyword', or bring a vector of that space.`;
    throw new MemoryError('EMBEDDER_MISSING', message);
  }
}

/** The vector at length 1, so that a product of two is the cosine of their angle. */
export function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) ** 2;
  const scale = 1 / Math.sqrt(squares);
  const scaled = new Float32Array(vector.length);
  for (let i = 0; i < vector.length; i++) scaled[i] = (vector[i] as number) * scale;
  return scaled;
}
