import type { MemoryError } from '../domain/errors';

const blaming = new WeakSet<MemoryError>();

/** Notes that it is a text of the request that is to blame, and that others may well be embedded without it. */
export function blamingTexts(error: MemoryError): MemoryError {
  blaming.add(error);
  return error;
}

/** Whether a text was to blame, and not the provider, the network or the key. */
export function blamesTexts(error: MemoryError): boolean {
  return blaming.has(error);
}
