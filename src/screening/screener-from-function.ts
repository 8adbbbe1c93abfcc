import { z } from 'zod';
import type { CallOptions } from '../domain/calls';
import { expected, fields, parse, parseAll, unitInterval } from '../domain/parse/shapes';
import type { Screener, ScreeningVerdict } from './screener';

/** Judges one text. Returns a score from 0 to 1, or a score with its reasons. */
export type ScreeningFunction = (
  text: string,
  options: CallOptions,
) => number | ScreeningVerdict | Promise<number | ScreeningVerdict>;

const nonEmptyString = z.string({ error: expected('a string') }).min(1, { error: expected('a non-empty string') });
const functionShape = z.custom<ScreeningFunction>((value) => typeof value === 'function', {
  error: expected('a function from a text to a score'),
});
const verdictShape = fields({
  score: unitInterval,
  reasons: z.array(nonEmptyString, { error: expected('an array of strings') }),
});

/**
 * Makes a screener from a function that judges one text, such as a call of a classifier of your own. The function is called once for each
 * text of a call, without waiting for the one before: a store passes up to 64 texts at once. A number is a verdict without reasons.
 *
 * A call of the screener rejects with what the function throws, and with INVALID_INPUT if it returns no verdict. A store then puts the
 * texts of that call into quarantine.
 *
 * @param name The name of the algorithm or the model, with its version. `store.trust.explain` returns it with the verdict.
 * @throws INVALID_INPUT with every issue.
 * @example
 * ```ts
 * import { MemoryStore, screenerFromFunction } from 'multi-agent-memory';
 * const screener = screenerFromFunction('links-1', (text) => (text.includes('https://') ? 0.9 : 0));
 * await using store = await MemoryStore.inMemory({ screening: { screener } });
 * ```
 */
export function screenerFromFunction(name: string, screen: ScreeningFunction): Screener {
  const [givenName, judge] = parseAll([nonEmptyString, name, ['name']], [functionShape, screen, ['screen']]);
  const verdictOf = async (text: string, options: CallOptions): Promise<ScreeningVerdict> => {
    const returned = await judge(text, options);
    const verdict = typeof returned === 'number' ? { score: returned, reasons: [] } : returned;
    return parse(verdictShape, verdict, `verdict of ${givenName}`, ['verdict']);
  };
  return {
    name: givenName,
    async screen(texts, options = {}) {
      options.signal?.throwIfAborted();
      return Promise.all(texts.map((text) => verdictOf(text, options)));
    },
  };
}
