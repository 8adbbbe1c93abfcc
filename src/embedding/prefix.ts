import type { Role } from './batching/embedding-cache';
import { estimateTokens } from './chunks';

/**
 * What a model was trained to see before a text, such as `{ query: 'query: ', document: 'passage: ' }` for those of the E5 family.
 * It stands in the model's description.
 */
export interface Prefix {
  /** Before each memory. Default: nothing. */
  readonly document?: string;
  /** Before each question. Default: nothing. */
  readonly query?: string;
}

/** The text as the model is to see it. */
export function prefixed(text: string, prefix: Prefix, role: Role): string {
  return `${prefix[role] ?? ''}${text}`;
}

/** Tokens that are left for a text beside what stands before it. At least 1. */
export function tokensBeside({ document = '', query = '' }: Prefix, maxTokens: number): number {
  return Math.max(1, maxTokens - Math.max(estimateTokens(document), estimateTokens(query)));
}

/**
 * The model's name for an embedding space. What stands before documents makes other vectors of them and belongs to the name;
 * what stands before questions may change without touching a stored vector.
 */
export function nameWithPrefix(model: string, { document = '' }: Prefix): string {
  return document === '' ? model : `${model} prefix:${JSON.stringify(document)}`;
}
