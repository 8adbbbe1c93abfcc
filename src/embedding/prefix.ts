import { estimateTokens, firstChunk } from './chunks';
import type { TextRole } from './embedder';

/**
 * The text that a model expects before each input, such as `{ query: 'query: ', document: 'passage: ' }` for models of the E5
 * family. The description of a model names it.
 */
export interface Prefix {
  /** Before each memory. It belongs to the name of the embedding space. Default: nothing. */
  readonly document?: string;
  /** Before each query. Default: nothing. */
  readonly query?: string;
}

/** A text with its prefix. */
export function prefixed(text: string, prefix: Prefix, role: TextRole): string {
  return `${prefix[role] ?? ''}${text}`;
}

/** The tokens that a prefix leaves for the text. At least 1. */
export function tokensBeside({ document = '', query = '' }: Prefix, maxTokens: number): number {
  return Math.max(1, maxTokens - Math.max(estimateTokens(document), estimateTokens(query)));
}

/**
 * The name of the embedding space of a model with a prefix. The document prefix changes stored vectors, so it is part of the name.
 * The query prefix is not: it can change without touching a stored vector.
 */
export function nameWithPrefix(model: string, { document = '' }: Prefix): string {
  return document === '' ? model : `${model} prefix:${JSON.stringify(document)}`;
}

/** Prepares texts for the API of a provider. */
export interface ProviderInput {
  /** The tokens that the prefix leaves for a text. */
  readonly maxTokens: number;
  /** The text to send: cut to `maxTokens`, with its prefix, in valid Unicode. An empty text becomes a space, since providers reject empty texts. */
  of(text: string, role: TextRole): string;
}

/** The input for a provider whose model reads `maxTokens` tokens. */
export function providerInput(prefix: Prefix, maxTokens: number): ProviderInput {
  const tokensLeft = tokensBeside(prefix, maxTokens);
  return {
    maxTokens: tokensLeft,
    of: (text, role) => prefixed(firstChunk(text, tokensLeft), prefix, role).toWellFormed() || ' ',
  };
}
