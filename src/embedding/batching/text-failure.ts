import type { MemoryError } from '../../domain/errors';

const blaming = new WeakSet<MemoryError>();

/** Notes that it is a text of the request that is to blame, and that others may well be embedded without it. */
export function withTextFailures(error: MemoryError): MemoryError {
  blaming.add(error);
  return error;
}

/** Whether a text was to blame, and not the provider, the network or the key. */
export function isTextFailure(error: MemoryError): boolean {
  return blaming.has(error);
}
