import type { Document, DocumentInterface } from '@langchain/core/documents';
import type { EmbeddingsInterface } from '@langchain/core/embeddings';
import { VectorStore } from '@langchain/core/vectorstores';
import type { Filter, Hit, MemoryHandle, Metadata, NewMemory, RecallOptions } from '../../index';
import { documentOf, memoryOf } from './documents';
import { checkHandle, checkOptions, refused } from './langchain-checks';

/** What `MemoryHandleVectorStore` takes beside its handle. */
export interface MemoryHandleVectorStoreOptions {
  /**
   * Makes the vectors here, in place of the store's embedder: of the same model, since vectors of two models do not compare.
   * Default: the store's embedder makes them.
   */
  embeddings?: EmbeddingsInterface;
}

type Scored = [Document<Metadata>, number];

const defaultK = 4;

/**
 * A vector store of LangChain over a handle. Texts are searched by hybrid recall, vectors by vector search; filters are those of
 * `recall`, and run before the search. A document's id is its memory's key: added again, it is revised.
 *
 * Without `maxMarginalRelevanceSearch`: a handle gives no vectors away, so retrievers of the type 'mmr' are refused by LangChain.
 *
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { MemoryHandleVectorStore } from 'multi-agent-memory/langchain';
 * const store = await MemoryStore.inMemory();
 * const vectors = new MemoryHandleVectorStore(store.admin.within({ namespace: ['docs'] }));
 * await vectors.addDocuments([{ pageContent: 'Refunds take three days.', metadata: { page: 4 } }]);
 * const found = await vectors.similaritySearch('how long does a refund take?', 2, { metadata: { page: { lt: 9 } } });
 * ```
 */
export class MemoryHandleVectorStore extends VectorStore {
  declare FilterType: Filter;
  readonly #handle: MemoryHandle;
  readonly #embeddings: EmbeddingsInterface | undefined;

  constructor(handle: MemoryHandle, options: MemoryHandleVectorStoreOptions = {}) {
    checkHandle(handle);
    checkOptions(options, ['embeddings']);
    super(options.embeddings ?? withinTheStore, {});
    this.#handle = handle;
    this.#embeddings = options.embeddings;
  }

  /** A store that holds the texts. `embeddings` may be undefined: then the store's own embedder makes the vectors. */
  static override async fromTexts(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface | undefined,
    dbConfig: { handle: MemoryHandle },
  ): Promise<MemoryHandleVectorStore> {
    const documents = texts.map((pageContent, i) => ({
      pageContent,
      metadata: { ...((Array.isArray(metadatas) ? metadatas[i] : metadatas) as object | undefined) },
    }));
    return MemoryHandleVectorStore.fromDocuments(documents, embeddings, dbConfig);
  }

  /** A store that holds the documents. `embeddings` may be undefined: then the store's own embedder makes the vectors. */
  static override async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface | undefined,
    dbConfig: { handle: MemoryHandle },
  ): Promise<MemoryHandleVectorStore> {
    checkOptions(dbConfig, ['handle']);
    const store = new MemoryHandleVectorStore(dbConfig.handle, embeddings === undefined ? {} : { embeddings });
    await store.addDocuments(documents);
    return store;
  }

  /** The name by which LangChain tells kinds of stores apart. */
  override _vectorstoreType(): string {
    return 'multi-agent-memory';
  }

  /** Stores all documents or none, and resolves to their ids: `options.ids`, else their own, else those of the memories. */
  override async addDocuments(documents: DocumentInterface[], options: { ids?: string[] } = {}): Promise<string[]> {
    const texts = documents.map(({ pageContent }) => pageContent);
    const vectors = await this.#embeddings?.embedDocuments(texts);
    return this.#add(documents, options, vectors);
  }

  /** As `addDocuments`, with vectors of the store's embedding space. */
  override async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options: { ids?: string[] } = {},
  ): Promise<string[]> {
    return this.#add(documents, options, vectors);
  }

  /** Forgets documents by id, or those that a filter takes. Ids that are not there are no error. */
  override async delete(params: { ids: string[] } | { filter: Filter }): Promise<void> {
    const { ids, filter, ...unknown } = (params ?? {}) as { ids?: string[]; filter?: Filter };
    checkOptions(unknown, ['ids', 'filter']);
    if ((ids === undefined) === (filter === undefined)) {
      throw refused('The call', [{ path: [], message: 'It must have ids or a filter, and not both.' }]);
    }
    if (filter !== undefined) await this.#handle.forgetWhere({ filter }, { dryRun: false });
    for (const id of ids ?? []) {
      const memory = (await this.#handle.get({ namespace: this.#namespace, key: id })) ?? (await this.#handle.get(id));
      if (memory !== undefined) await this.#handle.forget(memory.id);
    }
  }

  override async similaritySearch(query: string, k = defaultK, filter?: Filter): Promise<Document<Metadata>[]> {
    return (await this.similaritySearchWithScore(query, k, filter)).map(([document]) => document);
  }

  /** By words and meaning. Scores are those of `recall`, in 0..1. */
  override async similaritySearchWithScore(query: string, k = defaultK, filter?: Filter): Promise<Scored[]> {
    const vector = await this.#embeddings?.embedQuery(query);
    return this.#scored(query, k, filter, vector === undefined ? {} : { vector: Float32Array.from(vector) });
  }

  /** By a vector of the store's embedding space. */
  override async similaritySearchVectorWithScore(query: number[], k: number, filter?: Filter): Promise<Scored[]> {
    // Only the vector is searched with: the words stand for none.
    return this.#scored('-', k, filter, { vector: Float32Array.from(query), mode: 'semantic' });
  }

  get #namespace(): readonly string[] {
    return this.#handle.scope.namespace ?? [];
  }

  async #scored(query: string, topK: number, filter: Filter | undefined, how: RecallOptions): Promise<Scored[]> {
    const options = filter === undefined || filter === null ? { ...how, topK } : { ...how, topK, filter };
    const hits = await this.#handle.recall(query, options);
    return hits.map((hit: Hit): Scored => [documentOf(this.#handle, hit), hit.score]);
  }

  async #add(
    documents: DocumentInterface[],
    options: { ids?: string[] },
    vectors: number[][] | undefined,
  ): Promise<string[]> {
    checkOptions(options, ['ids']);
    const { ids } = options;
    for (const [name, list] of [
      ['vectors', vectors],
      ['ids', ids],
    ] as const) {
      if (list === undefined || list.length === documents.length) continue;
      const message = `there are ${list.length}, and ${documents.length} documents.`;
      throw refused('The documents', [{ path: [name], message }]);
    }
    const memories = documents.map((document, i): NewMemory => {
      const vector = vectors?.[i];
      const memory = memoryOf(document, ids?.[i], i);
      return vector === undefined ? memory : { ...memory, vector: Float32Array.from(vector) };
    });
    const { results } = await this.#handle.rememberMany(memories, { atomic: true });
    return results.map((result, i) => memories[i]?.key ?? (result.ok ? result.id : ''));
  }
}

/** What stands in `embeddings` where the store's own embedder makes the vectors. */
const withinTheStore: EmbeddingsInterface = {
  embedDocuments: () => Promise.reject(notHere()),
  embedQuery: () => Promise.reject(notHere()),
};

function notHere() {
  const message = "The memory store's own embedder makes the vectors: give `embeddings` to have them made here.";
  return refused('The call', [{ path: ['embeddings'], message }]);
}
