import { MemoryError } from 'multi-agent-memory';

/** What somebody was told, by a call or by its refusal, as text: two are alike when every byte is. */
export async function told(call: () => PromiseLike<unknown> | unknown): Promise<string> {
  try {
    return JSON.stringify(await call()) ?? 'undefined';
  } catch (error) {
    return JSON.stringify({ refused: refusalIn(error) });
  }
}

/** Everything that an error says. */
export function refusalIn(error: unknown): object {
  const { name, message, code, issues } = error as Error & { code?: string; issues?: unknown };
  return { name, message, code, issues };
}

/** Whether it was allowed; every other failure is one of the test. */
export async function isAllowed(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (MemoryError.is(error) && error.code === 'FORBIDDEN') return false;
    throw error;
  }
}
