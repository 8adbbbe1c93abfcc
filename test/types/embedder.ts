/** Any object with this shape is an embedder. No class or type of a library is needed. This file is compiled and never run. */
import { type Embedder, MemoryStore } from 'multi-agent-memory';

class Lengths implements Embedder {
  readonly space = { model: 'lengths', dimensions: 1, normalized: false };
  readonly maxTokens = 512;
  async embedDocuments(texts: readonly string[]): Promise<Float32Array[]> {
    return texts.map((text) => Float32Array.of(text.length));
  }
  async embedQuery(text: string, { signal }: { signal?: AbortSignal }): Promise<Float32Array> {
    signal?.throwIfAborted();
    return Float32Array.of(text.length);
  }
}

export const opened = MemoryStore.inMemory({ embedder: new Lengths() });

export const noEmbedder = {
  space: { model: 'rows', dimensions: 1, normalized: true },
  maxTokens: 512,
  embedDocuments: async (texts: readonly string[]) => texts.map(() => Float32Array.of(1)),
  // @ts-expect-error a vector is a Float32Array
  embedQuery: async () => [1],
} satisfies Embedder;
