import { builtInEmbedder } from '../embedding/built-in/built-in-embedder';
import type { Embedder } from '../embedding/embedder';

/**
 * Ids that count, in the form of a UUID: the same in every run. For `newId` of a store that is opened in a folder; one in memory
 * has them already.
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

/** An embedder that works until it is told to fail. */
export interface FaultyEmbedder extends Embedder {
  /** What every call rejects with; undefined while the embedder works. */
  fault: unknown;
}

/**
 * An embedder whose model can go away: for tests of what an agent does when it does.
 *
 * @param embedder What it does while it works. Default: the built-in one.
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { faultyEmbedder } from 'multi-agent-memory/testing';
 * const embedder = faultyEmbedder();
 * await using store = await MemoryStore.inMemory({ embedder });
 * embedder.fault = new Error('The model is away.');
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
