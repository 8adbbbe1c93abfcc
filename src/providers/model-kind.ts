import type { ErrorCode } from '../domain/errors';

/** A kind of models, with the codes of its errors. */
export interface ModelKind {
  /** How errors name a model of the kind. */
  readonly name: string;
  /** A call failed. */
  readonly failed: ErrorCode;
  /** The provider does not know the model. */
  readonly missing: ErrorCode;
}

export const embeddingModel: ModelKind = {
  name: 'embedding model',
  failed: 'EMBEDDING_FAILED',
  missing: 'EMBEDDER_MISSING',
};

export const chatModel: ModelKind = {
  name: 'chat model',
  failed: 'SUMMARIZER_FAILED',
  missing: 'SUMMARIZER_FAILED',
};
