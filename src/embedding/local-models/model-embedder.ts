import { MemoryError } from '../../domain/errors';
import { allOrNone, splitIntoRequests } from '../batching/requests';
import type { Embedder, EmbeddingSpace } from '../embedder';
import { type Prefix, prefixed, tokensBeside } from '../prefix';
import { checkedVector } from '../results';
import { modelEncoder, type Schedule } from './model-encoder';
import type { ModelSource } from './model-files';
import type { Pooling } from './model-worker';

// The work of a thread is split into tasks of about 8 ms, and a thread has at most two tasks at a time. A query therefore waits only
// for these tasks, and an abort takes effect after them.
const taskLimits = { maxInputs: 4, maxCharacters: 512 };

/** A model for transformers.js, and how its vectors are made. */
export interface EmbeddingModel extends ModelSource {
  readonly space: EmbeddingSpace;
  /** The number of tokens that the model reads, including the prefix. */
  readonly maxTokens: number;
  readonly pooling: Pooling;
  readonly prefix: Prefix;
}

/**
 * Makes an embedder for the model. The model is loaded when the first text is embedded, and runs in worker threads.
 *
 * Texts are computed one by one. In an 8-bit model the vector of a text depends on the other texts in its batch: the cosine between
 * a text alone and the same text among eight is as low as 0.97. Equal texts must have equal vectors.
 */
export function modelEmbedder(model: EmbeddingModel): Embedder {
  return {
    space: model.space,
    maxTokens: tokensBeside(model.prefix, model.maxTokens),
    async embedDocuments(texts, { signal } = {}) {
      signal?.throwIfAborted();
      const inputs = texts.map((text) => prefixed(text, model.prefix, 'document'));
      const vectors = await allOrNone(
        splitIntoRequests(inputs, taskLimits).map(
          (task) => (shared) => embed(model, task, { signal: shared, first: false }),
        ),
        signal,
      );
      return vectors.flat();
    },
    async embedQuery(text, { signal } = {}) {
      const [vector] = await embed(model, [prefixed(text, model.prefix, 'query')], { signal, first: true });
      return vector!;
    },
  };
}

async function embed(model: EmbeddingModel, texts: readonly string[], schedule: Schedule): Promise<Float32Array[]> {
  schedule.signal?.throwIfAborted();
  const encoder = await modelEncoder(model);
  const { space, maxTokens, pooling } = model;
  const { dimensions } = space;
  const answer = await encoder.embed(texts, { maxTokens, pooling, dimensions }, schedule).catch((cause: unknown) => {
    throw schedule.signal?.aborted ? schedule.signal.reason : failed(model, texts, cause);
  });
  if ('hiddenSize' in answer) throw tooFewDimensions(answer.hiddenSize, model);
  return texts.map((_, i) => checkedVector(answer.sums.subarray(i * dimensions, (i + 1) * dimensions), space));
}

function failed({ model }: EmbeddingModel, texts: readonly string[], cause: unknown): MemoryError {
  const lengths = texts.map((text) => text.length).join(', ');
  const message = `The model ${model} failed on texts of ${lengths} characters: ${String(cause)}.`;
  return new MemoryError('EMBEDDING_FAILED', message, { cause });
}

function tooFewDimensions(size: number, { model, space }: EmbeddingModel): MemoryError {
  const message = `The model ${model} makes vectors of ${size} numbers, but 'dimensions' is ${space.dimensions}. Set it to ${size}, or to less if the model allows shorter vectors (Matryoshka).`;
  return new MemoryError('EMBEDDER_MISMATCH', message);
}
