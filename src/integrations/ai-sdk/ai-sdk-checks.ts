import { MemoryError, type MemoryHandle } from '../../index';

/** @throws INVALID_INPUT for options that nobody knows: they would do nothing, silently. */
export function checkOptions(given: object, known: readonly string[]): void {
  const message = `There is no such option. Known are ${known.join(', ')}.`;
  const issues = Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [key], message }));
  if (issues.length === 0) return;
  const lines = issues.map(({ path }) => `${path.join('.')}: ${message}`);
  throw new MemoryError('INVALID_INPUT', `The options cannot be taken. ${lines.join(' ')}`, { issues });
}

/** @throws INVALID_INPUT for what is no handle: a store, most often. */
export function checkHandle(handle: MemoryHandle): void {
  if (typeof handle?.remember === 'function' && typeof handle.scope === 'object') return;
  const message = 'must be a handle, such as store.as({ agentId }, { namespace }) gives.';
  throw new MemoryError('INVALID_INPUT', `The handle cannot be taken. It ${message}`, {
    issues: [{ path: ['handle'], message }],
  });
}
