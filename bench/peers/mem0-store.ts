import { join } from 'node:path';
import { dimensions } from '../shared/vectors';
import { loadPeer, type SearchPeer } from './peer';

interface Mem0 {
  readonly MemoryVectorStore: new (config: {
    readonly collectionName: string;
    readonly dimension: number;
    readonly dbPath: string;
  }) => {
    insert(vectors: number[][], ids: string[], payloads: object[]): Promise<void>;
    search(query: number[], count: number): Promise<readonly { readonly id: string }[]>;
  };
}

/** The store that mem0 uses in the process if none is configured. It reads and compares every vector from SQLite. */
export const mem0Store: SearchPeer = {
  name: 'mem0',
  mostMemories: 10_000,
  questions: 40,
  async fill({ texts, vectors }, folder) {
    // mem0 sends events over the network unless this says otherwise, when it is loaded.
    process.env.MEM0_TELEMETRY = 'false';
    const { MemoryVectorStore } = loadPeer<Mem0>('mem0ai/oss');
    const config = { collectionName: 'memories', dimension: dimensions, dbPath: join(folder, 'mem0.sqlite') };
    const store = new MemoryVectorStore(config);
    await store.insert(
      vectors.map((vector) => [...vector]),
      texts.map((_, number) => String(number)),
      texts.map((data) => ({ data, user_id: 'user' })),
    );
    return {
      prepare: (question) => {
        const query = [...question];
        return async () => (await store.search(query, 10)).map(({ id }) => Number(id));
      },
      close: () => undefined,
    };
  },
};
