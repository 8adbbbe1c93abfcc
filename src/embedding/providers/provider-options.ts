import { z } from 'zod';
import { expected, fields, integer } from '../../domain/parse/shapes';

const string = z.string({ error: expected('a string') });

export const nonEmptyString = string.min(1, { error: expected('a non-empty string') });

/** Accepts a number of retries. */
export const retryCount = integer(0);

/** Accepts a time in milliseconds, up to the longest delay of a timer. */
export const duration = integer(1, 2 ** 31 - 1);

/** The options that all embedders of external models share. */
export const modelOptions = {
  model: nonEmptyString,
  dimensions: integer(1),
  maxTokens: integer(1).exactOptional(),
  prefix: fields({ document: string.exactOptional(), query: string.exactOptional() }).exactOptional(),
};

/** Accepts an object that has these methods and properties. It may be an instance of any class. */
export function objectWith(methods: readonly string[], properties: readonly string[] = []) {
  const hasAll = (value: unknown) => {
    const found = Object(value) as Record<string, unknown>;
    return methods.every((name) => typeof found[name] === 'function') && properties.every((name) => name in found);
  };
  return z.custom<object>(hasAll, { error: expected(`an object with ${[...methods, ...properties].join(', ')}`) });
}
