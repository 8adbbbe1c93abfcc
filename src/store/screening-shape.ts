import { z } from 'zod';
import type { Limits } from '../domain/limits';
import { expected, fields, namespace } from '../domain/parse/shapes';
import type { Screener } from '../screening/screener';

/** Makes the schema for the option `screening` of `open`. */
export function screeningShape(limits: Limits) {
  return fields({
    screener: z.custom<Screener>(
      (value) => typeof Object(value).screen === 'function' && typeof Object(value).name === 'string',
      {
        error: expected('a screener, such as builtInScreener()'),
      },
    ),
    threshold: z
      .number({ error: expected('a number') })
      .gt(0, { error: 'expected a number above 0, up to 1.' })
      .lte(1, { error: 'expected a number above 0, up to 1.' })
      .default(0.5),
    labelOnly: z.array(namespace(limits), { error: expected('an array of namespaces') }).default([]),
  });
}
