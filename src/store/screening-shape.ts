import { z } from 'zod';
import type { Limits } from '../domain/limits';
import { addIssue, expected, fields, integer, issuesOf, list, namespace, oneOf } from '../domain/parse/shapes';
import { isPlainObject } from '../domain/realms';
import type { Screener } from '../screening/screener';
import type { ParsedScreening } from '../write/screening-gate';

const defaultThreshold = 0.5;
const defaultTimeoutMs = 30_000;
// Timers of Node.js are not longer.
const maxTimeoutMs = 2 ** 31 - 1;

/** Makes the schema for the option `screening` of `open`. Its result is undefined if nothing is screened. */
export function screeningShape(limits: Limits) {
  const options = optionsShape(limits);
  return z.unknown().transform((given = {}, ctx): ParsedScreening | undefined => {
    if (given === 'off') return undefined;
    if (!isPlainObject(given)) {
      addIssue(ctx, expected('an object or "off"')({ input: given }), given);
      return z.NEVER;
    }
    const { success, data, error } = options.safeParse(given);
    if (success) return data;
    for (const { path, message } of issuesOf(error)) addIssue(ctx, message, given, path);
    return z.NEVER;
  });
}

function optionsShape(limits: Limits) {
  return fields({
    screener: z
      .custom<Screener>(
        (value) => typeof Object(value).screen === 'function' && typeof Object(value).name === 'string',
        {
          error: expected('a screener, such as builtInScreener()'),
        },
      )
      .optional(),
    threshold: z
      .number({ error: expected('a number') })
      .gt(0, { error: 'expected a number above 0, up to 1.' })
      .lte(1, { error: 'expected a number above 0, up to 1.' })
      .default(defaultThreshold),
    maxTrust: oneOf(['reported', 'standard']).default('reported'),
    at: oneOf(['quarantine', 'label']).default('quarantine'),
    labelOnly: list(namespace(limits), 'an array of namespaces').default([]),
    timeoutMs: integer(1, maxTimeoutMs).default(defaultTimeoutMs),
  });
}
