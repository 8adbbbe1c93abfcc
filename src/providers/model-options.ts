import { z } from 'zod';
import { addIssue, expected, integer } from '../domain/parse/shapes';

/** Accepts a string that is not empty. */
export const nonEmptyString = z
  .string({ error: expected('a string') })
  .min(1, { error: expected('a non-empty string') });

/** Accepts a number of retries. */
export const retryCount = integer(0);

/** Accepts a time in milliseconds, up to the longest delay of a timer. */
export const duration = integer(1, 2 ** 31 - 1);

/** Accepts an object that has these methods and properties. It may be an instance of any class. */
export function objectWith(methods: readonly string[], properties: readonly string[] = []) {
  const hasAll = (value: unknown) => {
    const found = Object(value) as Record<string, unknown>;
    return methods.every((name) => typeof found[name] === 'function') && properties.every((name) => name in found);
  };
  return z.custom<object>(hasAll, { error: expected(`an object with ${[...methods, ...properties].join(', ')}`) });
}

// Issues about headers and the base URL do not show the value, because it may contain a key.
const secretString = z.string({ error: 'expected a string.' });
const headerValue = secretString.regex(/^[\x20-\x7e]*$/, {
  error: 'expected visible ASCII characters and spaces, got another character, such as a line break.',
});
const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/);
const urlExpectation = 'expected a URL, such as "https://api.openai.com/v1".';
const baseURLShape = z.string({ error: urlExpectation }).check((ctx) => {
  const message = urlIssue(ctx.value);
  if (message !== undefined) addIssue(ctx, message, undefined);
});

function urlIssue(value: string): string | undefined {
  if (!URL.canParse(value)) return urlExpectation;
  const { protocol, username, password } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return 'expected a URL that begins with https:// or http://.';
  const isPlain = username === '' && password === '';
  return isPlain ? undefined : 'expected a URL without user name and password. Pass them in headers.';
}

/** The options of every server that is reached over HTTP. */
export const serverOptions = {
  baseURL: baseURLShape,
  apiKey: headerValue
    .min(1, { error: 'expected a non-empty string. Omit apiKey if the server needs none.' })
    .exactOptional(),
  headers: z
    .record(headerName, headerValue, {
      error: (issue) =>
        issue.code === 'invalid_key' ? 'expected a valid header name.' : expected('an object of strings')(issue),
    })
    .exactOptional(),
  maxRetries: retryCount.exactOptional(),
  requestTimeoutMs: duration.exactOptional(),
  timeoutMs: duration.exactOptional(),
};
