import type { CallOptions } from '../domain/calls';

/** Vectors compare only inside one space. */
export interface EmbeddingSpace {
  /** The model's name with a hash of its weights. */
  model: string;
  dimensions: number;
  /** Whether every vector has length 1. */
  normalized: boolean;
}

/** Turns texts into vectors. Conforms when it passes `embedderConformance` of `multi-agent-memory/testing`. */
export interface Embedder {
  readonly space: EmbeddingSpace;
  /** Longer texts are embedded in overlapping parts. */
  readonly maxTokens: number;
  /** One finite vector of `space.dimensions` numbers for each text, in the order of the texts. */
  embedDocuments(texts: readonly string[], options: CallOptions): Promise<readonly Float32Array[]>;
  embedQuery(text: string, options: CallOptions): Promise<Float32Array>;
}
