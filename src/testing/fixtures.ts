import { builtInEmbedder } from '../embedding/built-in/built-in-embedder';
import type { Embedder } from '../embedding/embedder';

/**
 * Makes a generator of ids that are the same in every test run: UUIDs that count up from 1. Pass it to `open` as `newId`. A store in
 * memory uses such a generator by default.
 *
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { countingIds, fakeClock } from 'multi-agent-memory/testing';
 * await using store = await MemoryStore.open('./memory', { clock: fakeClock(), newId: countingIds() });
 * ```
 */
export function countingIds(): () => string {
  let ids = 0;
  return () => `00000000-0000-7000-8000-${(++ids).toString(16).padStart(12, '0')}`;
}

/** An embedder that fails when a test sets `fault`. */
export interface FaultyEmbedder extends Embedder {
  /** The error to throw. While it is set, every call rejects with it. While it is undefined, the embedder works. */
  fault: unknown;
}

/**
 * Makes an embedder that can be made to fail, to test how an agent behaves without its model.
 *
 * @param embedder The embedder that answers while no fault is set. Default: the built-in embedder.
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { faultyEmbedder } from 'multi-agent-memory/testing';
 * const embedder = faultyEmbedder();
 * await using store = await MemoryStore.inMemory({ embedder });
 * embedder.fault = new Error('The model is unreachable.');
 * ```
 */
export function faultyEmbedder(embedder: Embedder = builtInEmbedder()): FaultyEmbedder {
  const assertWorks = (fault: unknown) => {
    if (fault !== undefined) throw fault;
  };
  return {
    space: embedder.space,
    maxTokens: embedder.maxTokens,
    fault: undefined,
    async embedDocuments(texts, call) {
      assertWorks(this.fault);
      return embedder.embedDocuments(texts, call);
    },
    async embedQuery(text, call) {
      assertWorks(this.fault);
      return embedder.embedQuery(text, call);
    },
  };
}
