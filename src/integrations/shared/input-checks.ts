import { defined } from '../../domain/defined';
import { describeValue, isPlainObject } from '../../domain/realms';
import { type Issue, MemoryError, type MemoryHandle } from '../../index';

/** The maximum number of issues in an error, and the maximum length of a word from the input in its message. */
const maxIssues = 50;
const maxWordChars = 64;

/**
 * Makes an INVALID_INPUT error whose message has one sentence for each issue, such as "Invalid port: expected an integer, got 1.5."
 *
 * @param subject The name for the whole input, such as 'operation', for issues with an empty path.
 */
export function invalidInput(subject: string, issues: readonly Issue[], cause?: unknown): MemoryError {
  // `MemoryError` limits the length of the message and of the issues.
  const sentences = firstIssues(issues).map(
    ({ path, message }) => `Invalid ${path.length === 0 ? subject : pathText(path)}: ${message}`,
  );
  return new MemoryError('INVALID_INPUT', sentences.join(' '), { issues, ...defined({ cause }) });
}

/** Returns the first items, up to the number of issues that an error lists. */
export function firstIssues<T>(all: readonly T[]): readonly T[] {
  return all.length > maxIssues ? all.slice(0, maxIssues) : all;
}

function pathText(path: Issue['path']): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}

/**
 * Lists an issue for each key that is not in `known`. Otherwise a misspelled option would silently be ignored. A value that is not a
 * plain object also gives an issue, because a promise or a Map would count as empty options.
 */
export function unknownKeyIssues(given: unknown, known: readonly string[], kind = 'option'): Issue[] {
  if (!isPlainObject(given)) return [notAnObject(given, [])];
  return firstIssues(Object.keys(given).filter((key) => !known.includes(key))).map((key) => ({
    path: [key],
    message: unknownKeyMessage(key, known, kind),
  }));
}

/** Makes the message for an unknown key. It lists the known keys, so that the caller can correct a typing error. */
export function unknownKeyMessage(key: string, known: readonly string[], kind: string): string {
  return `unknown ${kind} ${JSON.stringify(cutToChars(key, maxWordChars))}. Known ${kind}s: ${known.join(', ')}.`;
}

/** @throws INVALID_INPUT if `given` has a key that is not in `known` */
export function checkOptions(given: unknown, known: readonly string[], subject = 'options'): void {
  const issues = unknownKeyIssues(given, known);
  if (issues.length > 0) throw invalidInput(subject, issues);
}

/**
 * Checks options that will be spread into the options of a call. If the value were not a plain object, its filter would silently be lost.
 *
 * @throws INVALID_INPUT if the value is neither undefined nor a plain object
 */
export function checkSpread(given: unknown, name: string): void {
  if (given !== undefined && !isPlainObject(given)) throw invalidInput('options', [notAnObject(given, [name])]);
}

function notAnObject(given: unknown, path: Issue['path']): Issue {
  return { path, message: `expected an object, got ${describeValue(given)}.` };
}

/** Cuts a text from the input for a message, because it may have any length. */
export function cutToChars(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`;
}

/** Checks whether a value is a memory handle. A `MemoryStore` is not a handle, although users sometimes pass it by mistake. */
export function isMemoryHandle(value: unknown): value is MemoryHandle {
  const handle = value as Partial<MemoryHandle> | null | undefined;
  return typeof handle?.remember === 'function' && typeof handle.scope === 'object';
}

/** @throws INVALID_INPUT if the value is not a memory handle */
export function checkHandle(value: unknown): asserts value is MemoryHandle {
  if (isMemoryHandle(value)) return;
  const message = `expected a memory handle, such as the result of store.as({ agentId }, { namespace }), got ${describeValue(value)}.`;
  throw invalidInput('handle', [{ path: ['handle'], message }]);
}
