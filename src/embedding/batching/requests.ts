import { onAbort } from '../../environment/timers';

/** The limits of one request. */
export interface RequestLimits {
  readonly maxInputs: number;
  readonly maxCharacters: number;
}

/** Returns the texts of the next request, from index `from`: as many as the limits allow, but at least one. */
export function nextRequest(
  texts: readonly string[],
  from: number,
  { maxInputs, maxCharacters }: RequestLimits,
): readonly string[] {
  let end = from;
  let characters = 0;
  while (end < texts.length && end - from < maxInputs) {
    characters += texts[end]!.length;
    if (end > from && characters > maxCharacters) break;
    end++;
  }
  return texts.slice(from, end);
}

/** Splits texts into requests, in order. */
export function splitIntoRequests(texts: readonly string[], limits: RequestLimits): (readonly string[])[] {
  const requests: (readonly string[])[] = [];
  for (let from = 0; from < texts.length; from += requests.at(-1)!.length)
    requests.push(nextRequest(texts, from, limits));
  return requests;
}

/** Runs all tasks at the same time. If one fails or the caller aborts, rejects and aborts the other tasks. */
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
