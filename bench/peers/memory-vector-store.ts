import { loadPeer, type SearchPeer } from './peer';

interface Classic {
  readonly MemoryVectorStore: new (
    embeddings: object,
  ) => {
    addVectors(vectors: number[][], documents: object[]): Promise<void>;
    similaritySearchVectorWithScore(
      query: number[],
      count: number,
    ): Promise<[{ readonly metadata: { readonly number: number } }, number][]>;
  };
}

/** LangChain's store in memory, which compares every vector. */
export const memoryVectorStore: SearchPeer = {
  name: 'MemoryVectorStore',
  mostMemories: 10_000,
  questions: 200,
  async fill({ texts, vectors }) {
    const { MemoryVectorStore } = loadPeer<Classic>('@langchain/classic/vectorstores/memory');
    const store = new MemoryVectorStore({});
    const documents = texts.map((pageContent, number) => ({ pageContent, metadata: { number } }));
    await store.addVectors(
      vectors.map((vector) => [...vector]),
      documents,
    );
    return {
      prepare: (question) => {
        const query = [...question];
        return async () => {
          const found = await store.similaritySearchVectorWithScore(query, 10);
          return found.map(([{ metadata }]) => metadata.number);
        };
      },
      close: () => undefined,
    };
  },
};
