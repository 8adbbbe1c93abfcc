import type { CallOptions } from '../domain/calls';
import type { ChunkVectors, SpaceName } from '../domain/command';
import { type Issue, MemoryError } from '../domain/errors';
import { onAbort } from './batching/abort-listener';
import { splitIntoChunks } from './chunks';
import type { Embedder, EmbeddingSpace } from './embedder';

/** The spaces of a store. */
export interface SpacesInUse {
  /** The space that its vectors are in, once it has one. */
  current(): SpaceName | undefined;
  /** Those that it is on its way to, or came from. */
  others(): readonly SpaceName[];
}

/** The embedders that come with this library. */
export interface BuiltIns {
  /** What a store takes that is opened without one. */
  readonly current: Embedder;
  /** What earlier releases took. */
  readonly previous: readonly Embedder[];
}

/** Embeds for one store: whatever comes out lies in one of the store's spaces, or nothing does. */
export class SpaceEmbedder {
  #embedder: Embedder;
  readonly #known: Embedder[];
  readonly #spaces: SpacesInUse;
  readonly #onFailure: (error: MemoryError) => void;
  #held: Promise<void> | undefined;

  /**
   * @param known The first gives a store without vectors its space.
   * @param onFailure Told of every failure of an embedder, beside the caller who gets it.
   */
  constructor(known: readonly [Embedder, ...Embedder[]], spaces: SpacesInUse, onFailure: (error: MemoryError) => void) {
    this.#embedder = known[0];
    this.#known = [...known];
    this.#spaces = spaces;
    this.#onFailure = onFailure;
  }

  /** The store's space; before its first vector, the space that vector will have. */
  get space(): EmbeddingSpace {
    const { model, dimensions, normalized } = this.#spaces.current() ?? this.#embedder.space;
    return { model, dimensions, normalized };
  }

  /** Takes another embedder, for a store that has no space yet or for one of the store's spaces. */
  use(embedder: Embedder): void {
    const same = this.#known.findIndex(({ space }) => isSame(space, embedder.space));
    this.#known.splice(same < 0 ? this.#known.length : same, same < 0 ? 0 : 1, embedder);
    const current = this.#spaces.current();
    if (current === undefined || isSame(current, embedder.space)) this.#embedder = embedder;
  }

  /** The embedder of a space, if there is one. */
  of(space: SpaceName): Embedder | undefined {
    return this.#known.find((embedder) => isSame(embedder.space, space));
  }

  /** Whether that embedder's space is one of the store's. */
  accepts({ space }: Pick<Embedder, 'space'>): boolean {
    const current = this.#spaces.current();
    return current === undefined || [current, ...this.#spaces.others()].some((name) => isSame(name, space));
  }

  /** The vectors of each text: one for each of its parts. Throws EMBEDDER_MISSING, EMBEDDING_FAILED. */
  async documents(texts: readonly string[], call: CallOptions): Promise<ChunkVectors[]> {
    while (this.#held !== undefined) await untilSettled(this.#held, call.signal);
    return texts.length === 0 ? [] : this.#embed(this.#present(), texts, call);
  }

  /**
   * Lets nothing more be embedded for writes until it is told to: who moves the store would else have to catch up with writers that
   * never rest. Searches go on.
   */
  hold(): () => void {
    let release = (): void => undefined;
    this.#held = new Promise((resolve) => {
      release = () => {
        this.#held = undefined;
        resolve();
      };
    });
    return release;
  }

  /** The vectors of each text in one of the store's spaces. Throws EMBEDDER_MISSING, EMBEDDING_FAILED. */
  async into(space: SpaceName, texts: readonly string[], call: CallOptions): Promise<ChunkVectors[]> {
    const embedder = this.of(space);
    if (embedder === undefined) throw missing(space);
    return this.#embed(embedder, texts, call);
  }

  async #embed(embedder: Embedder, texts: readonly string[], call: CallOptions): Promise<ChunkVectors[]> {
    const parts = texts.map((text) => splitIntoChunks(text, embedder.maxTokens));
    const vectors = await this.#reported(embedder.embedDocuments(parts.flat(), call));
    let next = 0;
    return parts.map(({ length }) => {
      const first = next;
      next += length;
      return { space: embedder.space, vectors: vectors.slice(first, next) };
    });
  }

  /** The vector of a query. Throws EMBEDDER_MISSING, EMBEDDING_FAILED. */
  async query(text: string, call: CallOptions): Promise<Float32Array> {
    return this.#reported(this.#present().embedQuery(text, call));
  }

  /** Why a vector that a caller brings cannot be taken. */
  vectorIssues(vector: Float32Array, path: Issue['path']): Issue[] {
    const { dimensions, model } = this.space;
    if (vector.length === dimensions) return [];
    return [{ path, message: `has ${vector.length} numbers; vectors of this store (${model}) have ${dimensions}.` }];
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
    const current = this.#spaces.current();
    const present = current === undefined ? this.#embedder : this.of(current);
    if (present === undefined) throw missing(this.space);
    return present;
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
  const message = `The store's vectors come from ${model}, and the store was opened without that embedder: open it with { embedder }, search with mode 'keyword', or bring a vector of that space.`;
  return new MemoryError('EMBEDDER_MISSING', message);
}

/** Whether two names name one space. */
export function isSame(a: SpaceName, b: SpaceName): boolean {
  return a.model === b.model && a.dimensions === b.dimensions;
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
