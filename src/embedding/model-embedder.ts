import { MemoryError } from '../domain/errors';
import { startStopwatch } from '../environment/stopwatch';
import { nextTurn } from '../environment/turn';
import { checkedVector } from './checked-vector';
import type { Embedder, EmbeddingSpace } from './embedder';
import type { Role } from './known-vectors';
import { modelEncoder, type TokenStates } from './model-encoder';
import type { ModelSource } from './model-files';
import { type Pooling, pooled } from './pooling';
import { type Prefix, prefixed, tokensBeside } from './prefix';

// The runtime computes in the event loop. After so long other work gets its turn; after every short text would cost a sixth of
// the speed.
const turnMs = 8;

/** A model of transformers.js, and how its vectors are made. */
export interface EmbeddingModel extends ModelSource {
  readonly space: EmbeddingSpace;
  /** What it reads, with what stands before a text. */
  readonly maxTokens: number;
  readonly pooling: Pooling;
  readonly prefix: Prefix;
}

/**
 * Embeds with that model, loaded with the first text.
 *
 * Texts go through the model one by one. In an 8-bit model a text's vector depends on the texts beside it in a batch (cosine down
 * to 0.97 between alone and among eight), and equal texts must have equal vectors, whoever else is writing.
 */
export function modelEmbedder(model: EmbeddingModel): Embedder {
  return {
    space: model.space,
    maxTokens: tokensBeside(model.prefix, model.maxTokens),
    async embedDocuments(texts, { signal }) {
      const vectors: Float32Array[] = [];
      const elapsedMs = startStopwatch();
      let begunMs = 0;
      for (const text of texts) {
        if (elapsedMs() - begunMs > turnMs) {
          await nextTurn();
          begunMs = elapsedMs();
        }
        vectors.push(await embed(model, text, 'document', signal));
      }
      return vectors;
    },
    embedQuery: (text, { signal }) => embed(model, text, 'query', signal),
  };
}

async function embed(
  model: EmbeddingModel,
  text: string,
  role: Role,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  signal?.throwIfAborted();
  const encoder = await modelEncoder(model);
  signal?.throwIfAborted();
  const { space, maxTokens, pooling, prefix } = model;
  try {
    const states = await encoder.encode(prefixed(text, prefix, role), maxTokens);
    assertLongEnough(states, model);
    return checkedVector(pooled(states, pooling, space.dimensions), space);
  } catch (cause) {
    if (MemoryError.is(cause)) throw cause;
    const message = `The model ${model.model} failed on a text of ${text.length} characters: ${String(cause)}.`;
    throw new MemoryError('EMBEDDING_FAILED', message, { cause });
  }
}

function assertLongEnough({ size }: TokenStates, { model, space }: EmbeddingModel): void {
  if (size >= space.dimensions) return;
  const message = `The model ${model} makes vectors of ${size} numbers, and 'dimensions' is ${space.dimensions}: give ${size}, or less for a model that is made to be cut.`;
  throw new MemoryError('EMBEDDER_MISMATCH', message);
}
