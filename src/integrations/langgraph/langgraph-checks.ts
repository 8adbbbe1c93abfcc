import { InvalidNamespaceError } from '@langchain/langgraph-checkpoint';
import { type Issue, MemoryError, type MemoryHandle } from '../../index';

/** What a store cannot take, with every reason at once. */
export function refused(issues: readonly Issue[]): MemoryError {
  const lines = issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message));
  return new MemoryError('INVALID_INPUT', `The operation cannot be taken. ${lines.join(' ')}`, { issues });
}

/** Options and fields that nobody knows would do nothing, silently: each is an issue. */
export function unknownIssues(given: object, known: readonly string[], path: readonly string[] = []): Issue[] {
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: [...path, key], message: `There is no such option. Known are ${known.join(', ')}.` }));
}

const places: ReadonlySet<unknown> = new Set(['namespace', 'within']);

/**
 * A refusal of the handle in the words of LangGraph: a namespace that is too deep or too long is its InvalidNamespaceError, and
 * what is stored is its `value`. Anything else stays as it is.
 */
export function inTheirWords(error: unknown): unknown {
  if (!MemoryError.is(error) || error.code !== 'INVALID_INPUT') return error;
  // `get` names what it looks for by an id, which may be a namespace and a key.
  if (error.issues.some(({ path: [first, second] }) => places.has(first) || (first === 'id' && places.has(second)))) {
    return Object.assign(new InvalidNamespaceError(error.message), { cause: error });
  }
  if (!error.issues.some(({ path }) => path[0] === 'metadata')) return error;
  const issues = error.issues.map(({ path, message }) => ({
    path: path.map((step, depth) => (depth === 0 && step === 'metadata' ? 'value' : step)),
    message,
  }));
  return new MemoryError('INVALID_INPUT', refused(issues).message, { issues, cause: error });
}

/** @throws INVALID_INPUT for what is no handle: a store, most often. */
export function checkHandle(handle: MemoryHandle): void {
  if (typeof handle?.remember === 'function' && typeof handle.scope === 'object') return;
  const message = 'must be a handle, such as store.as({ agentId }, { namespace }) gives.';
  throw refused([{ path: ['handle'], message }]);
}
