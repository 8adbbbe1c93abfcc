import { nextTurn } from '../../environment/timers';
import type { Embedder, EmbeddingSpace } from '../embedder';
import { builtInSpace, compatibleSpaces } from './built-in-spaces';
import { maxTokens, staticEncoder } from './static-encoder';

/** Characters read before other work gets its turn: a few milliseconds. */
const charactersPerTurn = 8192;

/**
 * Embeds with the model that comes with the package: a vector for each of 29,500 pieces of English words, summed up, each
 * piece once, and brought to length 1. 256 numbers. No network, no native code, ready in less than 100 ms and ten times as fast as the model it
 * was learned from, all-MiniLM-L6-v2. It knows words and their meanings; of their order it knows nothing.
 *
 * Every text has a vector of length 1. One without a piece that the model knows, such as emoji alone, resembles only itself.
 * Equal texts have equal vectors, bit by bit, on every machine.
 *
 * Its file is read with the first text. EMBEDDER_MISSING where it is absent or damaged.
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

/** Embedders for stores whose vectors come from the built-in model of an earlier release. They use today's weights. */
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
