import { nextTurn } from '../../environment/timers';
import type { Embedder, EmbeddingSpace } from '../embedder';
import { builtInSpace, compatibleSpaces } from './built-in-spaces';
import { maxTokens, staticEncoder } from './static-encoder';

/** The number of characters that are embedded in one turn of the event loop: a few milliseconds of work. */
const charactersPerTurn = 8192;

/**
 * Makes an embedder for the built-in model, which a store uses by default. It is for English and has 256 dimensions. It needs no
 * network and no native code, is ready in less than 100 ms, and is ten times as fast as all-MiniLM-L6-v2, from which it was trained.
 *
 * The model has a vector for each of 29,500 pieces of English words. The vector of a text is the sum of the vectors of its different
 * pieces, scaled to length 1. The model thus represents the meaning of words, but not their order.
 *
 * Every text has a vector of length 1. A text in which no piece is known, such as one emoji, is similar only to itself. Equal texts
 * have equal vectors, bit by bit, on every machine.
 *
 * The model file is read when the first text is embedded. If it is missing or damaged, calls fail with EMBEDDER_MISSING.
 *
 * @example
 * ```ts
 * import { builtInEmbedder } from 'multi-agent-memory';
 * const [vector] = await builtInEmbedder().embedDocuments(['The refund goes back to the card.'], {});
 * ```
 */
export function builtInEmbedder(): Embedder {
  return embedderOf(builtInSpace);
}

/** Makes embedders for stores whose vectors come from the built-in model of an earlier release. They use the weights of this release. */
export function earlierBuiltInEmbedders(): readonly Embedder[] {
  return compatibleSpaces.map(embedderOf);
}

function embedderOf(space: EmbeddingSpace): Embedder {
  return {
    space,
    maxTokens,
    async embedDocuments(texts, { signal } = {}) {
      signal?.throwIfAborted();
      const encoder = await staticEncoder();
      const vectors: Float32Array[] = [];
      let read = 0;
      for (const text of texts) {
        if (read > charactersPerTurn) {
          await nextTurn();
          read = 0;
        }
        signal?.throwIfAborted();
        vectors.push(encoder.encode(text));
        read += text.length;
      }
      return vectors;
    },
    async embedQuery(text, { signal } = {}) {
      signal?.throwIfAborted();
      const encoder = await staticEncoder();
      signal?.throwIfAborted();
      return encoder.encode(text);
    },
  };
}
