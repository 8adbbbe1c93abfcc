import { onAbort } from './abort-listener';

/** Runs all at the same time. Rejects with the first failure, or with the caller's reason, and aborts the others. */
export async function allOrNone<T>(
  tasks: readonly ((signal: AbortSignal) => Promise<T>)[],
  caller: AbortSignal | undefined,
): Promise<T[]> {
  const controller = new AbortController();
  const stopListening = caller && onAbort(caller, () => controller.abort(caller.reason));
  try {
    return await Promise.all(tasks.map((task) => task(controller.signal)));
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    stopListening?.();
  }
}
