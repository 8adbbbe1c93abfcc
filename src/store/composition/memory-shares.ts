/** What a store takes in RAM, in bytes. What SQLite, LanceDB and Node.js take is not included. */
export interface MemoryUse {
  /** The option `memoryBytes` of the first `open` of the folder in this process. */
  limitBytes: number;
  /** The sum of the parts. It can exceed a small limit, because the columns have none, and empty parts take some kilobytes, too. */
  totalBytes: number;
  /** The vectors that are compared by bytes and by signs: up to 11/16 of the limit. */
  vectorBytes: number;
  /**
   * The values of each memory that every search needs, and the lists of the memories of each user, session, agent and tag. They have no
   * limit: what they take beyond 2/16 when the store is opened is taken from the vectors.
   */
  columnBytes: number;
  /** The memories that contain the words of recent searches: up to 1/16. */
  postingBytes: number;
  /** The memories that recent readers may see: up to 1/16. */
  visibleSetBytes: number;
  /** The namespaces and access tags that recent readers may read: up to 1/32. */
  labelSetBytes: number;
  /** The vectors of recent texts and queries: up to 1/32. */
  embeddingBytes: number;
}

/** The bytes of RAM that each part of a store may take. */
export interface MemoryShares {
  readonly vectors: number;
  readonly postings: number;
  readonly visibleSets: number;
  readonly labelSets: number;
  readonly embeddings: number;
}

// A million memories with 384 dimensions take 435 MiB for their vectors and about 90 MiB for their columns, which fit into these shares.
export const defaultMemoryBytes = 768 * 2 ** 20;
const sixteenths = { vectors: 11, columns: 2, postings: 1, visibleSets: 1, labelSets: 0.5, embeddings: 0.5 };
// Every store has columns of this size.
const leastColumnBytes = 2 ** 16;

/**
 * Divides the RAM of a store. Columns have no limit, because searches need all of them: what they take beyond their own share is taken
 * from the vectors, without which a search is only slower.
 */
export function memoryShares(memoryBytes: number, columnBytes: number): MemoryShares {
  const share = (part: keyof typeof sixteenths) => Math.floor((memoryBytes * sixteenths[part]) / 16);
  const excess = Math.max(0, columnBytes - leastColumnBytes - share('columns'));
  return {
    vectors: Math.max(0, share('vectors') - excess),
    postings: share('postings'),
    visibleSets: share('visibleSets'),
    labelSets: share('labelSets'),
    embeddings: share('embeddings'),
  };
}
