import type { CallOptions } from '../domain/calls';

/** The space to which vectors belong. Vectors from different spaces cannot be compared. */
export interface EmbeddingSpace {
  /** The name of the model, with a hash of its weights if one is known. It identifies the space. */
  model: string;
  /** The length of each vector, in numbers. */
  dimensions: number;
  /** Whether the embedder returns vectors of length 1. The store scales all vectors to length 1 itself. */
  normalized: boolean;
}

/** The use of a text: it is stored, or it is a search query. Many models embed the two in different ways. */
export type TextRole = 'document' | 'query';

/** Converts texts to vectors. To test an implementation, run `embedderConformance` from `multi-agent-memory/testing`. */
export interface Embedder {
  readonly space: EmbeddingSpace;
  /** The longest text that the model reads, in tokens. The store splits longer texts into overlapping chunks. */
  readonly maxTokens: number;
  /**
   * Embeds texts that will be stored. Resolves to one vector for each text, in the order of the texts. A vector has
   * `space.dimensions` finite numbers, which are not all zero.
   */
  embedDocuments(texts: readonly string[], options: CallOptions): Promise<readonly Float32Array[]>;
  /** Embeds a search query. */
  embedQuery(text: string, options: CallOptions): Promise<Float32Array>;
}
