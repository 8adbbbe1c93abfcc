import { MemoryError } from '../../domain/errors';
import { withTextFailures } from '../batching/text-failure';
import { type Confidences, quotable } from './redact';

/** What a server that speaks OpenAI's protocol answered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Where it was asked, without anything secret. */
  readonly place: string;
}

/** What a failed answer says of itself: the fields of OpenAI's error objects, where the others put them. */
interface Complaint {
  readonly message: string;
  /** A word for programs: 'insufficient_quota'. */
  readonly code: string;
}

const passing: ReadonlySet<number> = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** Whether the server would take the same texts in smaller portions. */
export function isTooLarge({ status }: Answer): boolean {
  return status === 413;
}

/** Whether it is the wish for a number of dimensions that was refused, as by vLLM for models not made to be cut. */
export function refusesDimensions({ status, body }: Answer): boolean {
  return (status === 400 || status === 422) && /dimension|matryoshka/i.test(body);
}

/** An answer that is no success, as an error that says what to do. */
export function failure(answer: Answer, model: string, confidences: Confidences): MemoryError {
  const { status, place } = answer;
  const { message, code } = complaintOf(answer.body);
  // Refusals of a key quote it, half covered.
  const isKey = status === 401 || status === 403;
  const quoted = isKey ? undefined : quotable(message, confidences);
  const word = quotable(code, confidences);
  const said = [`${status}`, ...(word === undefined ? [] : [word]), ...(quoted === undefined ? [] : [quoted])].join(
    ', ',
  );
  const failed = (advice: string, retryable = false) =>
    new MemoryError('EMBEDDING_FAILED', `${model} at ${place} failed (${said}). ${advice}`, { retryable });
  if (isKey) return failed(`The key was refused: give another 'apiKey', or one that may use this model.`);
  if (status === 404) {
    const advice = `There is no such model, or no such address: look at 'model' and 'baseURL', which mostly ends in /v1.`;
    return new MemoryError('EMBEDDER_MISSING', `${model} at ${place} was not found (${said}). ${advice}`);
  }
  if (status === 429 && /quota|billing|credit/i.test(code))
    return failed('What was paid for is used up: see to the account.');
  if (status === 429) return failed('The rate limit was reached: try again later.', true);
  if (passing.has(status) || status >= 520) return failed('It may be a passing fault: try again.', true);
  if (status >= 300 && status < 400)
    return failed(`It points elsewhere, and is not followed: give the right 'baseURL'.`);
  const refused = failed('The request was refused: the text, or the options it was sent with.');
  return status === 400 || status === 422 || status === 413 ? withTextFailures(refused) : refused;
}

/**
 * The vectors of a successful answer, in the order of the texts that were sent, whatever its own. Not looked at one by one.
 *
 * @throws EMBEDDING_FAILED where it is cut off, no JSON, or no list in which every text has its place.
 */
export function vectorsIn(answer: Answer, model: string, confidences: Confidences): unknown[] {
  const data = dataOf(answer, model, confidences);
  const { length } = confidences.texts;
  if (data.length !== length) {
    throw malformed(
      answer,
      model,
      `holds ${data.length} vectors for ${length} texts, and was not used: try again`,
      true,
    );
  }
  const ordered: unknown[] = new Array(data.length);
  const seen = new Set<number>();
  for (const [i, item] of data.entries()) {
    const { index = i, embedding } = Object(item) as { index?: unknown; embedding?: unknown };
    if (
      !Number.isInteger(index) ||
      (index as number) < 0 ||
      (index as number) >= data.length ||
      seen.has(index as number)
    ) {
      throw malformed(answer, model, 'numbers its vectors wrongly');
    }
    seen.add(index as number);
    ordered[index as number] = embedding;
  }
  return ordered;
}

function dataOf(answer: Answer, model: string, confidences: Confidences): readonly unknown[] {
  const body = parsed(answer, model);
  const { data, error } = Object(body) as { data?: unknown; error?: unknown };
  if (Array.isArray(data)) return data;
  // Some gateways pass a failure on as a success.
  const status = Number(Object(error).code);
  if (error !== undefined && error !== null) {
    throw failure({ ...answer, status: status >= 400 ? status : 500 }, model, confidences);
  }
  throw malformed(answer, model, 'holds no list of vectors');
}

function parsed(answer: Answer, model: string): unknown {
  const { body } = answer;
  try {
    return JSON.parse(body);
  } catch {
    if (body.trimStart().startsWith('<')) throw malformed(answer, model, `is a web page: look at 'baseURL'`);
    // No JSON, but what Python's encoder makes of a vector that is none.
    if (/\b(NaN|-?Infinity)\b/.test(body))
      throw withTextFailures(malformed(answer, model, 'holds a number that is not finite'));
    throw malformed(answer, model, 'is cut off, or no JSON: try again', true);
  }
}

function malformed({ place, body }: Answer, model: string, what: string, retryable = false): MemoryError {
  const message = `The answer of ${model} at ${place} (${body.length} characters) ${what}.`;
  return new MemoryError('EMBEDDING_FAILED', message, { retryable });
}

function complaintOf(body: string): Complaint {
  let found: unknown;
  try {
    found = JSON.parse(body);
  } catch {
    // A page of a proxy says nothing that its status does not.
    return { message: '', code: '' };
  }
  const outer = Object(found) as Record<string, unknown>;
  const { message, code, type } = Object(outer.error ?? outer) as Record<string, unknown>;
  const words = [message, outer.error, outer.message, outer.detail].find((one) => typeof one === 'string');
  const word = [code, type].find((one) => typeof one === 'string' && /^[\w.-]{1,60}$/.test(one));
  return { message: (words as string | undefined) ?? '', code: (word as string | undefined) ?? '' };
}
