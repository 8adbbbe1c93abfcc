import { createRequire } from 'node:module';
import { miniLmSource } from '../../local-models/minilm';
import type { ModelFiles } from '../../local-models/model-files';
import { onnxRuntimeFile } from '../../local-models/transformers-runtime';
import type { TokenizedTexts } from './tokenized-texts';

/** The length of the teacher's vectors. */
export const teacherDimensions = 384;

// Texts of the same length are computed together, so that no text needs padding. The batches are small, because in the 8-bit model
// the vector of a text depends a little on the other texts in the batch.
const batchSize = 8;
const beginning = 101n;
const end = 102n;

/** Computes the vectors of texts with all-MiniLM-L6-v2 (8-bit, mean pooling, length 1), row by row. */
export async function embedWithTeacher(
  { weights }: ModelFiles,
  { tokens, starts }: TokenizedTexts,
): Promise<Float32Array> {
  const runtime = createRequire(import.meta.url)(onnxRuntimeFile(miniLmSource.model)) as OnnxRuntime;
  const session = await runtime.InferenceSession.create(weights, {
    executionProviders: ['cpu'],
    logSeverityLevel: 4,
  });
  const vectors = new Float32Array((starts.length - 1) * teacherDimensions);
  for (const batch of batchesOfOneLength(starts)) {
    const length = starts[batch[0]! + 1]! - starts[batch[0]!]! + 2;
    const ids = new BigInt64Array(batch.length * length);
    for (const [row, text] of batch.entries()) {
      ids[row * length] = beginning;
      for (let i = 0; i < length - 2; i++) ids[row * length + 1 + i] = BigInt(tokens[starts[text]! + i]!);
      ids[(row + 1) * length - 1] = end;
    }
    const states = await run(runtime, session, ids, batch.length);
    for (const [row, text] of batch.entries()) {
      const own = states.subarray(row * length * teacherDimensions, (row + 1) * length * teacherDimensions);
      meanDirection(own, vectors.subarray(text * teacherDimensions, (text + 1) * teacherDimensions));
    }
  }
  return vectors;
}

/** The part of onnxruntime-node that is used. */
interface OnnxRuntime {
  readonly InferenceSession: { create(weights: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: 'int64', values: BigInt64Array, dims: readonly number[]) => object;
}

interface Session {
  run(feeds: Readonly<Record<string, object>>): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
}

async function run({ Tensor }: OnnxRuntime, session: Session, ids: BigInt64Array, rows: number) {
  const tensor = (values: BigInt64Array) => new Tensor('int64', values, [rows, ids.length / rows]);
  const { last_hidden_state: states } = await session.run({
    input_ids: tensor(ids),
    attention_mask: tensor(new BigInt64Array(ids.length).fill(1n)),
    token_type_ids: tensor(new BigInt64Array(ids.length)),
  });
  return states!.data as Float32Array;
}

function* batchesOfOneLength(starts: Int32Array): Generator<number[]> {
  const lengthOf = (text: number) => starts[text + 1]! - starts[text]!;
  const texts = Array.from({ length: starts.length - 1 }, (_, i) => i);
  let batch: number[] = [];
  for (const text of texts.sort((a, b) => lengthOf(a) - lengthOf(b) || a - b)) {
    if (batch.length === batchSize || (batch.length > 0 && lengthOf(batch[0]!) !== lengthOf(text))) {
      yield batch;
      batch = [];
    }
    batch.push(text);
  }
  if (batch.length > 0) yield batch;
}

function meanDirection(states: Float32Array, mean: Float32Array): void {
  for (let row = 0; row < states.length; row += teacherDimensions) {
    for (let i = 0; i < teacherDimensions; i++) mean[i] = mean[i]! + states[row + i]!;
  }
  const length = Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0));
  for (let i = 0; i < teacherDimensions; i++) mean[i] = mean[i]! / length;
}
