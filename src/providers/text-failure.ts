import type { MemoryError } from '../domain/errors';

// Errors are marked with a property instead of a set in this module, because the embedder may come from another copy of this
// library.
const textFailure = Symbol.for('multi-agent-memory.text-failure');

/** Marks an error as caused by one text of a request. The other texts may succeed in a request without that text. */
export function markTextFailure(error: MemoryError): MemoryError {
  Object.defineProperty(error, textFailure, { value: true, configurable: true });
  return error;
}

/** Returns whether one text caused the error, rather than the provider, the network or the API key. */
export function isTextFailure(error: MemoryError): boolean {
  return Object.hasOwn(error, textFailure);
}
