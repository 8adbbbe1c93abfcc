import type { CallOptions } from '../domain/calls';

/** The space that vectors belong to. Vectors of different spaces cannot be compared. */
export interface EmbeddingSpace {
  /** The name of the model, with a hash of its weights where one is known. It identifies the space. */
  model: string;
  /** The length of each vector, in numbers. */
  dimensions: number;
  /** Whether the embedder returns vectors of length 1. The store scales all vectors to length 1 itself. */
  normalized: boolean;
}

/** Whether a text is stored or searched for. Many models embed the two in different ways. */
export type TextRole = 'document' | 'query';

/** Turns texts into vectors. To test an implementation, run `embedderConformance` of `multi-agent-memory/testing`. */
export interface Embedder {
  readonly space: EmbeddingSpace;
  /** The longest text that the model reads, in tokens. The store splits longer texts into overlapping chunks. */
  readonly maxTokens: number;
  /**
   * Embeds texts that are stored. Resolves to one vector for each text, in the order of the texts: finite numbers, not all zero,
   * `space.dimensions` of them.
   */
  embedDocuments(texts: readonly string[], options: CallOptions): Promise<readonly Float32Array[]>;
  /** Embeds a text that is searched for. */
  embedQuery(text: string, options: CallOptions): Promise<Float32Array>;
}
