import type { TokenStates } from './model-encoder';

/**
 * How the states of a text's tokens become one vector: their mean, or the state of the first one, which models of the kind of
 * BERT call CLS. Which of the two a model was trained for stands in its description.
 */
export type Pooling = 'mean' | 'cls';

/**
 * The direction of the text's vector: its states pooled, cut to the first `dimensions` numbers, of any length. Cutting is for
 * models trained so that the first numbers stand for the whole (Matryoshka Representation Learning,
 * https://arxiv.org/abs/2205.13147).
 */
export function pooled({ states, size }: TokenStates, pooling: Pooling, dimensions: number): Float32Array {
  // Not divided by the number of tokens: the length of a direction means nothing.
  const sum = new Float32Array(dimensions);
  const end = pooling === 'cls' ? size : states.length;
  for (let row = 0; row < end; row += size) {
    for (let i = 0; i < dimensions; i++) sum[i] = sum[i]! + states[row + i]!;
  }
  return sum;
}
