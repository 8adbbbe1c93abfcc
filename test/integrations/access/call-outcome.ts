import { MemoryError } from 'multi-agent-memory';

/** The result or the error of a call, as text. Two outcomes are alike if every byte is equal. */
export async function outcomeOf(call: () => PromiseLike<unknown> | unknown): Promise<string> {
  try {
    return JSON.stringify(await call()) ?? 'undefined';
  } catch (error) {
    return JSON.stringify({ error: errorFields(error) });
  }
}

/** Everything that a caller can learn from an error. */
export function errorFields(error: unknown): object {
  const { name, message, code, issues } = error as Error & { code?: string; issues?: unknown };
  return { name, message, code, issues };
}

/** False if a call fails with FORBIDDEN, true if it succeeds. Rethrows every other error. */
export async function isAllowed(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (MemoryError.is(error) && error.code === 'FORBIDDEN') return false;
    throw error;
  }
}
