import { InvalidNamespaceError } from '@langchain/langgraph-checkpoint';
import { type Issue, MemoryError } from '../../index';
import { invalidInput } from '../shared/input-checks';

/** Makes an INVALID_INPUT error for an operation in a batch. */
export function invalidOperation(issues: readonly Issue[], cause?: unknown): MemoryError {
  return invalidInput('operation', issues, cause);
}

// The value of an item is the metadata of its memory, or its text.
const valueFields: ReadonlySet<unknown> = new Set(['metadata', 'text']);
const namespaceFields: ReadonlySet<unknown> = new Set(['namespace', 'within']);

/**
 * Converts an error from the handle to LangGraph's terms. For a namespace that is too deep or too long it makes LangGraph's
 * InvalidNamespaceError. Issues about `metadata` become issues about `value`. Other errors are returned unchanged.
 */
export function toLangGraphError(error: unknown): unknown {
  if (!MemoryError.is(error) || error.code !== 'INVALID_INPUT') return error;
  if (error.issues.some(isNamespaceIssue)) {
    return Object.assign(new InvalidNamespaceError(error.message), { cause: error });
  }
  if (!error.issues.some(({ path }) => valueFields.has(path[0]))) return error;
  const issues = error.issues.map(({ path, message }) => ({
    path: path.map((step, depth) => (depth === 0 && valueFields.has(step) ? 'value' : step)),
    message,
  }));
  return invalidOperation(issues, error);
}

// `get` reports a namespace under `id`, because its argument is an id or { namespace, key }.
function isNamespaceIssue({ path: [first, second] }: Issue): boolean {
  return namespaceFields.has(first) || (first === 'id' && namespaceFields.has(second));
}
