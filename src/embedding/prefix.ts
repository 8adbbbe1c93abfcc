import { estimateTokens, firstChunk } from './chunks';
import type { TextRole } from './embedder';

/**
 * The text that a model expects before each input, such as `{ query: 'query: ', document: 'passage: ' }` for models of the E5
 * family. The model card states it.
 */
export interface Prefix {
  /** The prefix of each memory. It is part of the name of the embedding space. Default: nothing. */
  readonly document?: string;
  /** The prefix of each query. Default: nothing. */
  readonly query?: string;
}

/** Adds the prefix to a text. */
export function prefixed(text: string, prefix: Prefix, role: TextRole): string {
  return `${prefix[role] ?? ''}${text}`;
}

/** Returns how many tokens remain for a text after the prefix. At least 1. */
export function tokensBeside({ document = '', query = '' }: Prefix, maxTokens: number): number {
  return Math.max(1, maxTokens - Math.max(estimateTokens(document), estimateTokens(query)));
}

/**
 * Returns the name of the embedding space of a model that is used with a prefix. The document prefix changes stored vectors, so it
 * is part of the name. The query prefix is not part of it, because it can change while stored vectors stay valid.
 */
export function nameWithPrefix(model: string, { document = '' }: Prefix): string {
  return document === '' ? model : `${model} prefix:${JSON.stringify(document)}`;
}

/** Prepares texts for the API of a provider. */
export interface ProviderInput {
  /** The number of tokens that remain for a text after the prefix. */
  readonly maxTokens: number;
  /**
   * Returns the text to send: cut to `maxTokens`, with its prefix, in valid Unicode. An empty text becomes a space, because
   * providers reject empty texts.
   */
  of(text: string, role: TextRole): string;
}

/** Prepares texts for a provider whose model reads `maxTokens` tokens. */
export function providerInput(prefix: Prefix, maxTokens: number): ProviderInput {
  const tokensLeft = tokensBeside(prefix, maxTokens);
  return {
    maxTokens: tokensLeft,
    of: (text, role) => prefixed(firstChunk(text, tokensLeft), prefix, role).toWellFormed() || ' ',
  };
}
