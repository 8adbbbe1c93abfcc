import type { Document } from '@langchain/core/documents';
import { BaseRetriever, type BaseRetrieverInput } from '@langchain/core/retrievers';
import type { Hit, MemoryHandle, Metadata, RecallOptions } from '../../index';
import { checkHandle, checkOptions, checkSpread } from '../shared/input-checks';
import { recallThatFits } from '../shared/recall-that-fits';
import { documentFromMemory } from './document-memory';

type MaybeDocument = Document<Metadata> | null | undefined;

/** Fields of `MemoryHandleRetriever`, in addition to those of every LangChain retriever. */
export interface MemoryHandleRetrieverFields extends BaseRetrieverInput {
  /** The handle to search through. */
  handle: MemoryHandle;
  /** Options for `recall`. Default of `topK`: 10. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /**
   * Makes a document from a hit. To leave the hit out, return `undefined` or `null`. Default: a document with the memory's text and
   * metadata.
   */
  toDocument?: (hit: Hit) => MaybeDocument | Promise<MaybeDocument>;
}

/**
 * A LangChain retriever that calls `recall` on a handle. It searches the memories that the handle's principal may read.
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
  readonly #toDocument: NonNullable<MemoryHandleRetrieverFields['toDocument']>;

  static override lc_name(): string {
    return 'MemoryHandleRetriever';
  }

  /** @throws INVALID_INPUT for unknown fields and for a value that is not a handle */
  constructor(fields: MemoryHandleRetrieverFields) {
    const { handle, recall = {}, toDocument, ...input } = fields;
    checkHandle(handle);
    checkSpread(fields.recall, 'recall');
    checkOptions(input, ['callbacks', 'tags', 'metadata', 'verbose'], 'retriever fields');
    super(input);
    this.#handle = handle;
    this.#recall = { ...recall };
    this.#toDocument = toDocument ?? ((hit) => documentFromMemory(handle, hit));
  }

  /** LangChain's `invoke` calls this method. If `topK` hits do not fit into one answer of the store, it returns as many as fit. */
  override async _getRelevantDocuments(query: string): Promise<Document<Metadata>[]> {
    const { hits } = await recallThatFits(this.#handle, query, this.#recall);
    const documents = await Promise.all(hits.map((hit) => this.#toDocument(hit)));
    return documents.filter((document) => document !== undefined && document !== null);
  }
}
