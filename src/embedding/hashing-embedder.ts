import type { Call } from '../domain/calls';
import { nextTurn } from '../environment/turn';
import type { Embedder } from './embedder';
import { addText } from './hashed-words';

/**
 * Recall@10 of LoCoMo's turns is 42.8 with 256 numbers, 45.2 with these and 46.9 with 512; and built-in models that may come
 * later mostly have as many.
 */
const dimensions = 384;

/**
 * It could read any length, but every word of a text shares the same numbers: beyond some 150 words the noise of their
 * collisions is louder than one word that a query has in common with the text. Longer texts are better found by their parts.
 */
const maxTokens = 256;

/** Characters read before other work gets its turn: about 10 ms. */
const charactersPerTurn = 32_768;

/**
 * An embedder without a model: it hashes the words of a text, their stems and their fragments into 384 numbers. Deterministic,
 * immediate, without files and network. It finds other forms and other spellings of the same words; it knows no meaning, so
 * 'paid back' does not find 'refund'. For that bring a model, such as `minilm()`.
 *
 * Every text has a vector of length 1: also an empty one, and one of nothing but punctuation, control characters or lone
 * surrogates. Where Unicode's classes of characters changed between versions of Node, the vectors of rare characters may too.
 *
 * @example
 * ```ts
 * import { hashingEmbedder } from 'multi-agent-memory';
 * const [vector] = await hashingEmbedder().embedDocuments(['The refund goes back to the card.'], {});
 * ```
 */
export function hashingEmbedder(): Embedder {
  return {
    space: { model: 'feature-hashing-v1', dimensions, normalized: true },
    maxTokens,
    async embedDocuments(texts, { signal }: Call) {
      const vectors: Float32Array[] = [];
      let read = 0;
      for (const text of texts) {
        if (read > charactersPerTurn) {
          await nextTurn();
          read = 0;
        }
        signal?.throwIfAborted();
        vectors.push(embed(text));
        read += text.length;
      }
      return vectors;
    },
    async embedQuery(text, { signal }: Call) {
      signal?.throwIfAborted();
      return embed(text);
    },
  };
}

function embed(text: string): Float32Array {
  const vector = new Float32Array(dimensions);
  addText(vector, text);
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) {
    // Features that all met their opposite: any fixed direction will do.
    vector[0] = 1;
    return vector;
  }
  const length = Math.sqrt(squares);
  for (let i = 0; i < dimensions; i++) vector[i] = vector[i]! / length;
  return vector;
}
