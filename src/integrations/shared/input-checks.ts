import { type Issue, MemoryError, type MemoryHandle } from '../../index';

/** An INVALID_INPUT error for `what`, such as 'options'. Its message lists every issue, in the order given. */
export function invalidInput(what: string, issues: readonly Issue[], cause?: unknown): MemoryError {
  const lines = issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message));
  const details = cause === undefined ? { issues } : { issues, cause };
  return new MemoryError('INVALID_INPUT', `Invalid ${what}: ${lines.join(' ')}`, details);
}

/** One issue for each key that is not in `known`. Without this check, a misspelled option would be ignored silently. */
export function unknownKeyIssues(given: object, known: readonly string[], kind = 'option'): Issue[] {
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [key], message: unknownKeyMessage(known, kind) }));
}

/** The message for a key that does not exist. It names the keys that do, so that the caller can correct a typing error. */
export function unknownKeyMessage(known: readonly string[], kind: string): string {
  return `unknown ${kind}. Use only: ${known.join(', ')}.`;
}

/** @throws INVALID_INPUT if `given` has a key that is not in `known` */
export function checkOptions(given: object, known: readonly string[], what = 'options'): void {
  const issues = unknownKeyIssues(given, known);
  if (issues.length > 0) throw invalidInput(what, issues);
}

/** Whether a value is a memory handle. A `MemoryStore`, which users pass by mistake, is not. */
export function isMemoryHandle(value: unknown): value is MemoryHandle {
  const handle = value as Partial<MemoryHandle> | null | undefined;
  return typeof handle?.remember === 'function' && typeof handle.scope === 'object';
}

/** @throws INVALID_INPUT if the value is not a memory handle */
export function checkHandle(value: unknown): asserts value is MemoryHandle {
  if (isMemoryHandle(value)) return;
  const message = 'expected a memory handle, such as the result of store.as({ agentId }, { namespace }).';
  throw new MemoryError('INVALID_INPUT', `Invalid handle: ${message}`, { issues: [{ path: ['handle'], message }] });
}
