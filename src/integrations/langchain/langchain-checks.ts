import { type Issue, MemoryError, type MemoryHandle } from '../../index';

/** What an adapter cannot take, with every reason at once. */
export function refused(what: string, issues: readonly Issue[], cause?: unknown): MemoryError {
  const lines = issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message));
  const details = cause === undefined ? { issues } : { issues, cause };
  return new MemoryError('INVALID_INPUT', `${what} cannot be taken. ${lines.join(' ')}`, details);
}

/** @throws INVALID_INPUT for options that nobody knows: they would do nothing, silently. */
export function checkOptions(given: object, known: readonly string[], what = 'The options'): void {
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  const message = `There is no such option. Known are ${known.join(', ')}.`;
  if (unknown.length > 0)
    throw refused(
      what,
      unknown.map((key) => ({ path: [key], message })),
    );
}

/** @throws INVALID_INPUT for what is no handle: a store, most often. */
export function checkHandle(handle: MemoryHandle): void {
  if (typeof handle?.remember === 'function' && typeof handle.scope === 'object') return;
  const message = 'must be a handle, such as store.as({ agentId }, { namespace }) gives.';
  throw refused('The handle', [{ path: ['handle'], message }]);
}
