import { type Hit, MemoryError, type MemoryHandle, type RecallOptions } from '../../index';

/** The number of hits if `topK` is not given: the default of `recall`. */
export const defaultTopK = 10;

/**
 * Recalls memories for a prompt. If `topK` long memories do not fit into one answer of the store (`limits.answerBytes`), recalls fewer:
 * a prompt takes far less than an answer, and nobody could change `topK` during a conversation.
 */
export async function recallForPrompt(
  handle: MemoryHandle,
  query: string,
  options: RecallOptions & { readonly topK: number },
): Promise<Hit[]> {
  try {
    return await handle.recall(query, options);
  } catch (error) {
    if (!isTooLongAnswer(error)) throw error;
    return recallForPrompt(handle, query, { ...options, topK: Math.ceil(options.topK / 2) });
  }
}

/** Whether the hits of a recall exceeded the limit for answers. A `topK` that is invalid itself gives another issue. */
function isTooLongAnswer(error: unknown): boolean {
  if (!MemoryError.is(error) || error.code !== 'INVALID_INPUT') return false;
  return error.issues.some(({ path, message }) => path[0] === 'topK' && message.includes('limits.answerBytes'));
}
