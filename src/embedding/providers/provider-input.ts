import type { Role } from '../batching/embedding-cache';
import { firstChunk } from '../chunks';
import { type Prefix, prefixed, tokensBeside } from '../prefix';

/** How texts go to a provider. */
export interface ProviderInput {
  /** Tokens of a text that have room beside what stands before it. */
  readonly maxTokens: number;
  /** The text as it is sent: cut to what has room, behind its prefix, of whole characters, and never empty, which providers refuse. */
  of(text: string, role: Role): string;
}

/** Texts with these prefixes for a model that reads so many tokens. */
export function providerInput(prefix: Prefix, maxTokens: number): ProviderInput {
  const room = tokensBeside(prefix, maxTokens);
  return {
    maxTokens: room,
    of: (text, role) => prefixed(firstChunk(text, room), prefix, role).toWellFormed() || ' ',
  };
}
