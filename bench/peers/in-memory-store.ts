import { InMemoryStore } from '@langchain/langgraph-checkpoint';
import type { SearchPeer } from './peer';

const namespace = ['memories'];

/** LangGraph's store in memory, which compares every vector. It takes texts and no vectors, so its embedder looks them up. */
export const inMemoryStore: SearchPeer = {
  name: 'InMemoryStore',
  mostMemories: 10_000,
  questions: 100,
  async fill({ texts, vectors }) {
    const known = new Map(texts.map((text, number) => [text, vectors[number] as Float32Array]));
    const vectorOf = (text: string) => [...(known.get(text) ?? [])];
    const embeddings = {
      embedDocuments: async (all: string[]) => all.map(vectorOf),
      embedQuery: async (text: string) => vectorOf(text),
    };
    const dims = vectors[0]?.length ?? 0;
    const store = new InMemoryStore({ index: { dims, embeddings: embeddings as never, fields: ['text'] } });
    for (const [number, text] of texts.entries()) await store.put(namespace, String(number), { text, number });
    return {
      prepare: (question, number) => {
        const query = `question ${number}`;
        known.set(query, question);
        return async () => {
          const found = await store.search(namespace, { query, limit: 10 });
          return found.map(({ value }) => value.number as number);
        };
      },
      close: () => undefined,
    };
  },
};
