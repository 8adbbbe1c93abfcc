import { MemoryError } from '../../domain/errors';
import { allOrNone } from '../batching/all-or-none';
import { nextRequest } from '../batching/requests';
import { checkedVector } from '../checked-vector';
import type { Embedder, EmbeddingSpace } from '../embedder';
import { type Prefix, prefixed, tokensBeside } from '../prefix';
import { modelEncoder, type Turn } from './model-encoder';
import type { ModelSource } from './model-files';
import type { Pooling } from './pooling';

// What a thread gets at once, about 8 ms of work, of which it has two: questions go before the next of these, and an abort stops
// there.
const taskLimits = { maxInputs: 4, maxCharacters: 512 };

/** A model of transformers.js, and how its vectors are made. */
export interface EmbeddingModel extends ModelSource {
  readonly space: EmbeddingSpace;
  /** What it reads, with what stands before a text. */
  readonly maxTokens: number;
  readonly pooling: Pooling;
  readonly prefix: Prefix;
}

/**
 * Embeds with that model, loaded with the first text, in threads beside the event loop.
 *
 * Texts go through the model one by one. In an 8-bit model a text's vector depends on the texts beside it in a batch (cosine down
 * to 0.97 between alone and among eight), and equal texts must have equal vectors, whoever else is writing.
 */
export function modelEmbedder(model: EmbeddingModel): Embedder {
  return {
    space: model.space,
    maxTokens: tokensBeside(model.prefix, model.maxTokens),
    async embedDocuments(texts, { signal } = {}) {
      signal?.throwIfAborted();
      const tasks = tasksOf(texts.map((text) => prefixed(text, model.prefix, 'document')));
      const vectors = await allOrNone(
        tasks.map((task) => (signal) => embed(model, task, { signal, first: false })),
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

function tasksOf(texts: readonly string[]): (readonly string[])[] {
  const tasks: (readonly string[])[] = [];
  for (let from = 0; from < texts.length; from += tasks.at(-1)!.length)
    tasks.push(nextRequest(texts, from, taskLimits));
  return tasks;
}

async function embed(model: EmbeddingModel, texts: readonly string[], turn: Turn): Promise<Float32Array[]> {
  turn.signal?.throwIfAborted();
  const encoder = await modelEncoder(model);
  const { space, maxTokens, pooling } = model;
  const { dimensions } = space;
  const answer = await encoder.embed(texts, { maxTokens, pooling, dimensions }, turn).catch((cause: unknown) => {
    throw turn.signal?.aborted ? turn.signal.reason : failed(model, texts, cause);
  });
  if ('size' in answer) throw tooShort(answer.size, model);
  return texts.map((_, i) => checkedVector(answer.sums.subarray(i * dimensions, (i + 1) * dimensions), space));
}

function failed({ model }: EmbeddingModel, texts: readonly string[], cause: unknown): MemoryError {
  const lengths = texts.map((text) => text.length).join(', ');
  const message = `The model ${model} failed on texts of ${lengths} characters: ${String(cause)}.`;
  return new MemoryError('EMBEDDING_FAILED', message, { cause });
}

function tooShort(size: number, { model, space }: EmbeddingModel): MemoryError {
  const message = `The model ${model} makes vectors of ${size} numbers, and 'dimensions' is ${space.dimensions}: give ${size}, or less for a model that is made to be cut.`;
  return new MemoryError('EMBEDDER_MISMATCH', message);
}
