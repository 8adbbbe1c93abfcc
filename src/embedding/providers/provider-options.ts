import { z } from 'zod';
import { fields, flag, progressListener } from '../../domain/parse/shapes';
import type { AISDKJson } from './ai-sdk-model';

const wholeFromOne = z.int({ error: 'must be a whole number.' }).min(1, { error: 'must be 1 or more.' });
// The longest that a timer can be set to.
const duration = wholeFromOne.max(2 ** 31 - 1, { error: 'must be below 2,147,483,648 ms.' });
const text = z.string({ error: 'must be a string.' });
const filledText = text.min(1, { error: 'must not be empty.' });
const prefix = fields({ document: text.exactOptional(), query: text.exactOptional() });

/** What every embedder takes that is made from a model of somebody else. */
const ofModel = {
  model: filledText,
  dimensions: wholeFromOne,
  maxTokens: wholeFromOne.exactOptional(),
  prefix: prefix.exactOptional(),
};

// Values of headers are printed nowhere, so what is wrong with one is said without it.
const headerValue = z.string({ error: 'must be a string.' }).regex(/^[\x20-\x7e]*$/, {
  error:
    'holds what a header cannot carry, such as a line break: only visible ASCII characters and spaces may be in it.',
});
const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/);

/** Any object with these fields and methods, be it of a class. */
function has(methods: readonly string[], names: readonly string[] = []) {
  const isThere = (value: unknown) => {
    const found = Object(value) as Record<string, unknown>;
    return methods.every((name) => typeof found[name] === 'function') && names.every((name) => name in found);
  };
  return z.custom<object>(isThere, { error: `must be an object with ${[...methods, ...names].join(', ')}.` });
}

const baseURL = z.string({ error: 'must be a URL, such as "https://api.openai.com/v1".' }).check((ctx) => {
  const message = urlIssue(ctx.value);
  // Without the URL, which may hold a key.
  if (message !== undefined) ctx.issues.push({ code: 'custom', message, input: undefined });
});

function urlIssue(value: string): string | undefined {
  if (!URL.canParse(value)) return 'must be a URL, such as "https://api.openai.com/v1".';
  const { protocol, username, password } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return 'must begin with https:// or http://.';
  return username === '' && password === ''
    ? undefined
    : 'must not hold a user name or a password: give them in headers.';
}

/** What `transformersEmbedder()` takes. */
export const transformersShape = fields({
  ...ofModel,
  pooling: z.enum(['mean', 'cls'], { error: 'must be "mean" or "cls".' }).exactOptional(),
  quantized: flag.exactOptional(),
  sha256: z
    .string({ error: 'must be a string.' })
    .regex(/^[0-9a-f]{64}$/, { error: 'must be 64 digits of base 16, in lower case.' })
    .exactOptional(),
  localPath: filledText.exactOptional(),
  onProgress: progressListener.exactOptional(),
});

/** What `openAICompatible()` takes. */
export const openAICompatibleShape = fields({
  ...ofModel,
  baseURL,
  apiKey: headerValue.min(1, { error: 'must not be empty; leave it out where none is needed.' }).exactOptional(),
  headers: z.record(headerName, headerValue, { error: 'must be an object of strings.' }).exactOptional(),
  maxInputs: wholeFromOne.exactOptional(),
  maxCharacters: wholeFromOne.exactOptional(),
  maxRetries: z.int({ error: 'must be a whole number.' }).min(0, { error: 'must not be below 0.' }).exactOptional(),
  requestTimeoutMs: duration.exactOptional(),
  timeoutMs: duration.exactOptional(),
});

/** What `fromLangChain()` takes beside the embeddings. */
export const langChainShape = fields({ ...ofModel, timeoutMs: duration.exactOptional() });

const json: z.ZodType<AISDKJson> = z.json();

/** What `fromLangChain()` makes an embedder of. */
export const langChainEmbeddingsShape = has(['embedDocuments', 'embedQuery']);

const providerOptions = z.record(z.string(), z.record(z.string(), json), {
  error: 'must be an object with an object for each provider.',
});

/** What `fromAISDK()` makes an embedder of. */
export const aiSdkModelShape = has(['doEmbed'], ['modelId', 'maxEmbeddingsPerCall', 'supportsParallelCalls']);

/** What `fromAISDK()` takes beside the model. */
export const aiSdkShape = fields({
  ...ofModel,
  model: filledText.exactOptional(),
  providerOptions: fields({
    document: providerOptions.exactOptional(),
    query: providerOptions.exactOptional(),
  }).exactOptional(),
  maxRetries: z.int({ error: 'must be a whole number.' }).min(0, { error: 'must not be below 0.' }).exactOptional(),
  requestTimeoutMs: duration.exactOptional(),
  timeoutMs: duration.exactOptional(),
});
