import type { Document, DocumentInterface } from '@langchain/core/documents';
import type { EmbeddingsInterface } from '@langchain/core/embeddings';
import { type MaxMarginalRelevanceSearchOptions, VectorStore } from '@langchain/core/vectorstores';
import { defined } from '../../domain/defined';
import { normalName } from '../../domain/names';
import type { Filter, Hit, MemoryHandle, Metadata, NewMemory, RecallOptions } from '../../index';
import { checkHandle, checkOptions, invalidInput } from '../shared/input-checks';
import { recallThatFits } from '../shared/recall-that-fits';
import { diverseIndexes, unitVector, wordVector } from './diverse-documents';
import { documentFromMemory, memoryFromDocument } from './document-memory';

/** Options of `MemoryHandleVectorStore`. */
export interface MemoryHandleVectorStoreOptions {
  /**
   * Makes the vectors instead of the memory store's embedder. It must use the same model, because vectors from different models cannot
   * be compared. Default: the memory store's embedder makes the vectors.
   */
  embeddings?: EmbeddingsInterface;
}

type ScoredDocument = [Document<Metadata>, number];

const defaultK = 4;
const defaultFetchK = 20;

/**
 * A LangChain vector store that keeps its documents through a handle. For a text query it searches by meaning and by words, for a vector
 * query only by meaning. Filters have the same format as in `recall`, and apply before the search. A document's id is the key of its
 * memory, so adding the same id again revises the memory.
 *
 * `maxMarginalRelevanceSearch`, and retrievers of the type 'mmr', leave out documents that repeat each other. A handle does not return vectors, so
 * documents are compared by the words they share, or with `embeddings` by their meaning.
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

  /** @throws INVALID_INPUT for unknown options and for a value that is not a handle */
  constructor(handle: MemoryHandle, options: MemoryHandleVectorStoreOptions = {}) {
    checkHandle(handle);
    checkOptions(options, ['embeddings']);
    super(options.embeddings ?? storeEmbeddings, {});
    this.#handle = handle;
    this.#embeddings = options.embeddings;
  }

  /** Adds the texts to a new vector store. If `embeddings` is undefined, the memory store's embedder makes the vectors. */
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

  /** Adds the documents to a new vector store. If `embeddings` is undefined, the memory store's embedder makes the vectors. */
  static override async fromDocuments(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface | undefined,
    dbConfig: { handle: MemoryHandle },
  ): Promise<MemoryHandleVectorStore> {
    checkOptions(dbConfig, ['handle']);
    const store = new MemoryHandleVectorStore(dbConfig.handle, defined({ embeddings }));
    await store.addDocuments(documents);
    return store;
  }

  /** LangChain's name for this type of vector store. */
  override _vectorstoreType(): string {
    return 'multi-agent-memory';
  }

  /**
   * Stores all documents or none. Resolves to their ids: `options.ids` if given, otherwise the documents' own ids. Documents without an
   * id get the ids of the new memories.
   */
  override async addDocuments(documents: DocumentInterface[], options: { ids?: string[] } = {}): Promise<string[]> {
    const texts = documents.map(({ pageContent }) => pageContent);
    const vectors = await this.#embeddings?.embedDocuments(texts);
    this.#checkEmbedded(vectors, 'embedDocuments');
    return this.#add(documents, options, vectors);
  }

  /** Like `addDocuments`, but with given vectors. They must belong to the store's embedding space. */
  override async addVectors(
    vectors: number[][],
    documents: DocumentInterface[],
    options: { ids?: string[] } = {},
  ): Promise<string[]> {
    return this.#add(documents, options, vectors);
  }

  /**
   * Forgets documents by id, or all that match a filter. Ids that do not exist are ignored.
   *
   * @throws INVALID_INPUT if neither ids nor a filter is given, or if both are; FORBIDDEN
   */
  override async delete(params: { ids: string[] } | { filter: Filter }): Promise<void> {
    const { ids, filter, ...unknown } = (params ?? {}) as { ids?: string[]; filter?: Filter };
    checkOptions(unknown, ['ids', 'filter']);
    if ((ids === undefined) === (filter === undefined)) {
      throw invalidInput('delete parameters', [{ path: [], message: 'expected either `ids` or `filter`.' }]);
    }
    if (filter !== undefined) await this.#handle.forgetWhere({ filter }, { dryRun: false });
    for (const id of ids ?? []) {
      const memory = (await this.#handle.get({ namespace: this.#namespace, key: id })) ?? (await this.#handle.get(id));
      if (memory !== undefined) await this.#handle.forget(memory.id);
    }
  }

  /**
   * Finds documents by keywords and by meaning, best first. Default of `k`: 4. If the documents do not fit into one answer of the store
   * (`limits.answerBytes`), it returns the best ones that fit.
   */
  override async similaritySearch(query: string, k = defaultK, filter?: Filter): Promise<Document<Metadata>[]> {
    return (await this.similaritySearchWithScore(query, k, filter)).map(([document]) => document);
  }

  /** Like `similaritySearch`, but also returns the scores from `recall`, which are from 0 to 1. */
  override async similaritySearchWithScore(query: string, k = defaultK, filter?: Filter): Promise<ScoredDocument[]> {
    const vector = await this.#embeddings?.embedQuery(query);
    this.#checkEmbedded(vector, 'embedQuery');
    return this.#search(query, k, filter, defined({ vector: vector && Float32Array.from(vector) }));
  }

  /** Finds documents by a vector in the store's embedding space. Returns the scores from `recall`, which are from 0 to 1. */
  override async similaritySearchVectorWithScore(
    query: number[],
    k: number,
    filter?: Filter,
  ): Promise<ScoredDocument[]> {
    // `recall` requires a query text. In the mode 'semantic' the text is not used, only the vector.
    return this.#search('-', k, filter, { vector: Float32Array.from(query), mode: 'semantic' });
  }

  /**
   * Finds `fetchK` documents by keywords and by meaning, and returns `k` of them that match the query and differ from each other. Default of
   * `fetchK`: 20, or `k` if that is more; of `lambda`: 0.5. With `lambda` 1 only relevance counts, with 0 only diversity after the first.
   *
   * @throws INVALID_INPUT
   */
  override async maxMarginalRelevanceSearch(
    query: string,
    options: MaxMarginalRelevanceSearchOptions<Filter>,
  ): Promise<Document<Metadata>[]> {
    checkOptions(options, ['k', 'fetchK', 'lambda', 'filter']);
    const { k = defaultK, fetchK = Math.max(defaultFetchK, k), lambda = 0.5, filter } = options;
    checkDiversity({ k, fetchK, lambda });
    const found = await this.similaritySearchWithScore(query, fetchK, filter);
    const texts = found.map(([{ pageContent }]) => pageContent);
    const embedded = found.length === 0 ? undefined : await this.#embeddings?.embedDocuments(texts);
    if (found.length > 0) this.#checkEmbedded(embedded, 'embedDocuments');
    const candidates = found.map(([{ pageContent }, relevance], i) => {
      const values = embedded?.[i];
      return { relevance, vector: values === undefined ? wordVector(pageContent) : unitVector(values) };
    });
    return diverseIndexes(candidates, k, lambda).map((i) => (found[i] as ScoredDocument)[0]);
  }

  get #namespace(): readonly string[] {
    return this.#handle.scope.namespace ?? [];
  }

  /** Checks that `embeddings` returned a list. Otherwise the store's own embedder would make the missing vectors. */
  #checkEmbedded(returned: unknown, method: keyof EmbeddingsInterface): void {
    if (this.#embeddings === undefined || Array.isArray(returned) || ArrayBuffer.isView(returned)) return;
    const message = `expected ${method}() to return a list, got ${returned === null ? 'null' : typeof returned}.`;
    throw invalidInput('options', [{ path: ['embeddings'], message }]);
  }

  async #search(
    query: string,
    topK: number,
    filter: Filter | null | undefined,
    options: RecallOptions,
  ): Promise<ScoredDocument[]> {
    // A vector store returns every document, also those with equal texts, whose metadata may differ.
    const selected = { distinct: false as const, ...options, topK, ...defined({ filter: filter ?? undefined }) };
    const { hits } = await recallThatFits(this.#handle, query, selected);
    return hits.map((hit: Hit): ScoredDocument => [documentFromMemory(this.#handle, hit), hit.score]);
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
      const message = `expected ${documents.length} ${name}, one for each document, got ${list.length}.`;
      throw invalidInput('documents', [{ path: [name], message }]);
    }
    const memories = documents.map((document, i): NewMemory => {
      const vector = vectors?.[i];
      return {
        ...memoryFromDocument(document, ids?.[i], i),
        ...defined({ vector: vector && Float32Array.from(vector) }),
      };
    });
    const { results } = await this.#handle.rememberMany(memories, { atomic: true });
    return results.map((result, i) => {
      const key = memories[i]?.key;
      return key === undefined ? (result.ok ? result.id : '') : normalName(key);
    });
  }
}

function checkDiversity({ k, fetchK, lambda }: { k: number; fetchK: number; lambda: number }): void {
  const issues = [];
  if (!Number.isInteger(k) || k < 1) issues.push({ path: ['k'], message: 'expected an integer of at least 1.' });
  if (!Number.isInteger(fetchK) || fetchK < k) {
    issues.push({ path: ['fetchK'], message: 'expected an integer of at least `k`.' });
  }
  if (typeof lambda !== 'number' || !(lambda >= 0 && lambda <= 1)) {
    issues.push({ path: ['lambda'], message: 'expected a number from 0 to 1.' });
  }
  if (issues.length > 0) throw invalidInput('options', issues);
}

/** The value for LangChain's field `embeddings` when the memory store's embedder makes the vectors. */
const storeEmbeddings: EmbeddingsInterface = {
  embedDocuments: () => Promise.reject(noEmbeddings()),
  embedQuery: () => Promise.reject(noEmbeddings()),
};

function noEmbeddings() {
  const message = "the memory store's embedder makes the vectors. To make them here, pass the option `embeddings`.";
  return invalidInput('call', [{ path: ['embeddings'], message }]);
}
