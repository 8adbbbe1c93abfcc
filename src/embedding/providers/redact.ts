/** The longest that is quoted of what a provider says. */
const longestQuote = 300;
/** So many characters in a row that also stand in a text are taken for a quotation of it. */
const sharedRun = 12;
/** Shorter texts are looked for as a whole, unless they are as short as this: they stand in any sentence. */
const tooShort = 3;

// Keys by their look: those of another library are not known here, and providers quote them half covered (`sk-ab***yz`).
const keyLike = /\bBearer\s+\S+|\b(?:sk|pk|rk|hf|gsk|xai)[-_][\w*.-]{6,}|\bAIza[\w*-]{10,}|\S*\*{3,}\S*/gi;

/** What must never stand in an error: keys, and texts, since all whose texts went into one batch hear of its failure. */
export interface Confidences {
  readonly secrets: readonly string[];
  readonly texts: readonly string[];
}

/** Words of a provider, without keys. Undefined where they quote a text. */
export function quotable(words: string, { secrets, texts }: Confidences): string | undefined {
  const text = words.replace(/\s+/g, ' ').trim().slice(0, longestQuote);
  return text === '' || quotes(words.slice(0, longestQuote), texts) ? undefined : withoutKeys(text, secrets);
}

/**
 * What a library or the network threw, as an error that can be handed on: its name, its code and its words, without keys and
 * texts, and the same of its cause. Whatever else hangs on it (requests, headers, stacks) is left behind.
 */
export function quotableError(thrown: unknown, confidences: Confidences, depth = 0): Error {
  const { name, message, code, cause } = Object(thrown) as Record<string, unknown>;
  const isObject = typeof thrown === 'object' || typeof thrown === 'function';
  const words = typeof message === 'string' ? message : isObject ? 'something that is no error' : String(thrown);
  const said = quotable(words, confidences) ?? 'its words are left out, since they quote a text';
  const inner = cause === undefined || depth > 2 ? undefined : quotableError(cause, confidences, depth + 1);
  const error = new Error(words === '' ? '' : said, inner === undefined ? undefined : { cause: inner });
  if (typeof name === 'string' && /^\w{1,60}$/.test(name)) error.name = name;
  // A code is a word of the platform's: 'ECONNREFUSED'.
  if (typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code)) Object.assign(error, { code });
  return error;
}

/** The innermost words of an error: `fetch failed` says less than its cause. */
export function innermost(error: Error): string {
  return error.cause instanceof Error && error.cause.message !== '' ? innermost(error.cause) : error.message;
}

function withoutKeys(words: string, secrets: readonly string[]): string {
  let clean = words;
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      if (form !== '') clean = clean.replaceAll(form, '(left out)');
    }
  }
  return clean.replace(keyLike, '(left out)');
}

function quotes(words: string, texts: readonly string[]): boolean {
  const whole = texts.filter((text) => text.length > tooShort && text.length < sharedRun);
  if (whole.some((text) => words.includes(text))) return true;
  for (let i = 0; i + sharedRun <= words.length; i++) {
    const run = words.slice(i, i + sharedRun);
    if (texts.some((text) => text.includes(run))) return true;
  }
  return false;
}
