import { isError } from '../domain/realms';

/** The largest number of characters of a provider's message that an error quotes. */
const maxQuoteLength = 300;
/** If this many consecutive characters of a message also occur in a text, the message quotes the text. */
const minSharedRun = 12;
/**
 * A text that is longer than this but shorter than `minSharedRun` counts as quoted if the message contains all of it. Still shorter
 * texts are ignored, because they occur in any sentence.
 */
const maxIgnoredLength = 3;

// Recognises API keys by their form, because the keys of client libraries are not known here. Providers also quote parts of keys
// (`sk-ab***yz`).
const keyPattern = /\bBearer\s+\S+|\b(?:sk|pk|rk|hf|gsk|xai)[-_][\w*.-]{6,}|\bAIza[\w*-]{10,}|\S*\*{3,}\S*/gi;

/** Strings that must not occur in an error. They include the texts, because all callers of a batch get the same error. */
export interface Sensitive {
  /** API keys and the values of headers. */
  readonly secrets: readonly string[];
  /** The texts of the request. */
  readonly texts: readonly string[];
}

/** Removes secrets from a message and cuts it to 300 characters. Returns undefined if the message is empty or quotes a text. */
export function redact(message: string, { secrets, texts }: Sensitive): string | undefined {
  const line = message.replace(/\s+/g, ' ').trim().slice(0, maxQuoteLength);
  return line === '' || quotesText(message.slice(0, maxQuoteLength), texts) ? undefined : withoutKeys(line, secrets);
}

/**
 * Returns a copy of an error that is safe to show to callers. It has the name, the code, and the message without secrets and texts;
 * the same holds for its cause. All other properties, such as requests, headers and stacks, are dropped.
 */
export function redactError(thrown: unknown, sensitive: Sensitive, depth = 0): Error {
  const { name, message, code, cause } = Object(thrown) as Record<string, unknown>;
  const isObject = typeof thrown === 'object' || typeof thrown === 'function';
  const original = typeof message === 'string' ? message : isObject ? 'a value that is not an Error' : String(thrown);
  const redacted = redact(original, sensitive) ?? '(message left out: it quotes a text)';
  const inner = cause === undefined || depth > 2 ? undefined : redactError(cause, sensitive, depth + 1);
  const error = new Error(original === '' ? '' : redacted, inner === undefined ? undefined : { cause: inner });
  if (typeof name === 'string' && /^\w{1,60}$/.test(name)) error.name = name;
  // Keeps codes such as 'ECONNREFUSED', which come from the platform.
  if (typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code)) Object.assign(error, { code });
  return error;
}

/** Returns the message of the innermost cause that has one, because it says more than an outer message such as `fetch failed`. */
export function rootMessage(error: Error): string {
  return isError(error.cause) && error.cause.message !== '' ? rootMessage(error.cause) : error.message;
}

function withoutKeys(message: string, secrets: readonly string[]): string {
  let clean = message;
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      if (form !== '') clean = clean.replaceAll(form, '(left out)');
    }
  }
  return clean.replace(keyPattern, '(left out)');
}

function quotesText(message: string, texts: readonly string[]): boolean {
  const short = texts.filter((text) => text.length > maxIgnoredLength && text.length < minSharedRun);
  if (short.some((text) => message.includes(text))) return true;
  for (let i = 0; i + minSharedRun <= message.length; i++) {
    const run = message.slice(i, i + minSharedRun);
    if (texts.some((text) => text.includes(run))) return true;
  }
  return false;
}
