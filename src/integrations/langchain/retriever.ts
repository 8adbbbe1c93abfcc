import type { Document } from '@langchain/core/documents';
import { BaseRetriever, type BaseRetrieverInput } from '@langchain/core/retrievers';
import type { Hit, MemoryHandle, Metadata, RecallOptions } from '../../index';
import { documentOf } from './documents';
import { checkHandle, checkOptions } from './langchain-checks';

/** What `MemoryHandleRetriever` takes. */
export interface MemoryHandleRetrieverFields extends BaseRetrieverInput {
  handle: MemoryHandle;
  /** Among what is searched, and how. Default of `topK`: 10. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /** What becomes of a memory. Default: a document of its text and its metadata. */
  toDocument?: (hit: Hit) => Document<Metadata>;
}

/**
 * A retriever of LangChain over a handle: hybrid recall of what its principal may read.
 *
 * @example
 * ```ts
 * import { MemoryStore } from 'multi-agent-memory';
 * import { MemoryHandleRetriever } from 'multi-agent-memory/langchain';
 * const store = await MemoryStore.inMemory();
 * const retriever = new MemoryHandleRetriever({ handle: store.as({ agentId: 'planner' }), recall: { topK: 4 } });
 * const documents = await retriever.invoke('how does this customer want to be paid back?');
 * ```
 */
export class MemoryHandleRetriever extends BaseRetriever<Metadata> {
  override lc_namespace = ['multi-agent-memory', 'retrievers'];
  readonly #handle: MemoryHandle;
  readonly #recall: Omit<RecallOptions, 'signal' | 'vector'>;
  readonly #toDocument: (hit: Hit) => Document<Metadata>;

  static override lc_name(): string {
    return 'MemoryHandleRetriever';
  }

  constructor(fields: MemoryHandleRetrieverFields) {
    const { handle, recall = {}, toDocument, ...input } = fields;
    checkHandle(handle);
    checkOptions(input, ['callbacks', 'tags', 'metadata', 'verbose'], 'The fields of the retriever');
    super(input);
    this.#handle = handle;
    this.#recall = { ...recall };
    this.#toDocument = toDocument ?? ((hit) => documentOf(handle, hit));
  }

  /** What `invoke` asks for. */
  override async _getRelevantDocuments(query: string): Promise<Document<Metadata>[]> {
    const hits = await this.#handle.recall(query, this.#recall);
    return hits.map(this.#toDocument);
  }
}
