import type { Embedder, MemoryStore } from 'multi-agent-memory';

/** An embedder whose calls a test can inspect, delay and break. */
export interface WatchedEmbedder extends Embedder {
  /** The texts of all calls, in order. */
  readonly asked: string[];
  /** Awaited before each call. */
  before: (texts: readonly string[]) => Promise<void> | void;
}

/** An embedder with its own space. Each word has a dimension, so that a vector shows which words a text has. */
export function words(model: string, dimensions = 512): WatchedEmbedder {
  const embed = (text: string) => {
    const vector = new Float32Array(dimensions).fill(0.001);
    for (const word of text.toLowerCase().split(/\W+/)) {
      let hash = model.length;
      for (const letter of word) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0;
      vector[hash % dimensions] = (vector[hash % dimensions] as number) + 1;
    }
    return vector;
  };
  return {
    asked: [],
    before: () => undefined,
    space: { model, dimensions, normalized: false },
    maxTokens: 64,
    async embedDocuments(texts, { signal }) {
      await this.before(texts);
      signal?.throwIfAborted();
      this.asked.push(...texts);
      return texts.map(embed);
    },
    async embedQuery(text) {
      return embed(text);
    },
  };
}

/** The role of each embedding space of a store, by its model. */
export async function spacesOf(store: MemoryStore<never> | MemoryStore): Promise<Record<string, string>> {
  const { space, otherSpaces } = await store.stats();
  return { [space.model]: 'current', ...Object.fromEntries(otherSpaces.map(({ model, role }) => [model, role])) };
}

/** A promise that a test resolves. */
export function gate(): { open: () => void; passed: Promise<void> } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}
