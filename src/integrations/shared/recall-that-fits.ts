import { type Hit, MemoryError, type MemoryHandle, type RecallOptions } from '../../index';

/** The number of hits if `topK` is not given: the default of `recall`. */
export const defaultTopK = 10;

/** The best hits, and whether more matched that did not fit into one answer. */
export interface FittingHits {
  readonly hits: Hit[];
  readonly isCut: boolean;
}

/**
 * Recalls the best `topK` hits, or as many of them as fit into one answer of the store (`limits.answerBytes`): a model or a user of a
 * framework cannot change `topK` and ask again.
 */
export async function recallThatFits(
  handle: MemoryHandle,
  query: string,
  options: RecallOptions,
): Promise<FittingHits> {
  try {
    return { hits: await handle.recall(query, options), isCut: false };
  } catch (error) {
    if (!isTooLongAnswer(error)) throw error;
    return { hits: await handle.recall(query, { ...options, maxBytes: Number.MAX_SAFE_INTEGER }), isCut: true };
  }
}

/** Whether the hits of a recall exceeded the limit for answers. A `topK` that is invalid itself gives another issue. */
function isTooLongAnswer(error: unknown): boolean {
  if (!MemoryError.is(error) || error.code !== 'INVALID_INPUT') return false;
  return error.issues.some(({ path, message }) => path[0] === 'topK' && message.includes('limits.answerBytes'));
}
