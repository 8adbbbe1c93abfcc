import {
  type GetOperation,
  InvalidNamespaceError,
  type ListNamespacesOperation,
  type Operation,
  type PutOperation,
  type SearchOperation,
  validateNamespace,
} from '@langchain/langgraph-checkpoint';
import { defined } from '../../domain/defined';
import { normalName } from '../../domain/names';
import type { Issue } from '../../index';
import { unknownKeyIssues } from '../shared/input-checks';
import { parseIndexPath } from './index-path';
import { invalidOperation } from './langgraph-errors';
import { parseFilter } from './langgraph-filter';

/** A valid operation, tagged with its kind. */
export type CheckedOperation =
  | { readonly kind: 'get'; readonly operation: GetOperation }
  | { readonly kind: 'put'; readonly operation: PutOperation & { value: NonNullable<PutOperation['value']> } }
  | { readonly kind: 'delete'; readonly operation: PutOperation }
  | { readonly kind: 'search'; readonly operation: SearchOperation }
  | { readonly kind: 'list'; readonly operation: ListNamespacesOperation };

const fields = {
  get: ['namespace', 'key'],
  put: ['namespace', 'key', 'value', 'index'],
  search: ['namespacePrefix', 'filter', 'limit', 'offset', 'query'],
  list: ['matchConditions', 'maxDepth', 'limit', 'offset'],
} as const;

/**
 * Checks an operation and finds its kind. A batch checks all its operations before it runs the first one.
 *
 * @throws InvalidNamespaceError for an invalid namespace, like LangGraph's own stores; INVALID_INPUT for every other problem
 */
export function checkOperation(operation: Operation): CheckedOperation {
  if (typeof operation !== 'object' || operation === null)
    throw invalidOperation([{ path: [], message: 'expected an object.' }]);
  if ('namespacePrefix' in operation) return checkSearch(operation);
  if ('namespace' in operation) return checkItemOperation(operation);
  const listing = operation as ListNamespacesOperation;
  throwIfAny([...unknownFieldIssues(listing, fields.list), ...countIssues(listing), ...matchIssues(listing)]);
  return { kind: 'list', operation: withNormalPaths(listing) };
}

function checkSearch(operation: SearchOperation): CheckedOperation {
  checkNamespace(operation.namespacePrefix, true);
  throwIfAny([...unknownFieldIssues(operation, fields.search), ...countIssues(operation), ...queryIssues(operation)]);
  parseFilter(operation.filter);
  return { kind: 'search', operation: { ...operation, namespacePrefix: operation.namespacePrefix.map(normalName) } };
}

function checkItemOperation(operation: GetOperation | PutOperation): CheckedOperation {
  checkNamespace(operation.namespace, false);
  const put = 'value' in operation ? operation : undefined;
  throwIfAny([
    ...unknownFieldIssues(operation, put === undefined ? fields.get : fields.put),
    ...keyIssues(operation),
    ...(put === undefined ? [] : indexIssues(put)),
  ]);
  // Operations in a batch are compared with each other, so their names need one form already here.
  const address = { namespace: operation.namespace.map(normalName), key: normalName(operation.key) };
  if (put === undefined) return { kind: 'get', operation: { ...operation, ...address } };
  const { value, index } = put;
  for (const path of index || []) parseIndexPath(path);
  if (value === null || value === undefined) return { kind: 'delete', operation: { ...put, ...address } };
  return { kind: 'put', operation: { ...put, ...address, value } };
}

function withNormalPaths(listing: ListNamespacesOperation): ListNamespacesOperation {
  const matchConditions = listing.matchConditions?.map((condition) => ({
    ...condition,
    path: condition.path.map((label) => (typeof label === 'string' ? (normalName(label) as typeof label) : label)),
  }));
  return { ...listing, ...defined({ matchConditions }) };
}

// LangGraph's own stores reject the root label `langgraph` only in `put`, before it makes an operation. This store does the same.
function checkNamespace(namespace: string[], allowEmpty: boolean): void {
  if (!Array.isArray(namespace)) throw new InvalidNamespaceError('Invalid namespace: expected a list of labels.');
  validateNamespace(namespace, { allowReservedRoot: true, allowEmpty });
}

function throwIfAny(issues: readonly Issue[]): void {
  if (issues.length > 0) throw invalidOperation(issues);
}

function unknownFieldIssues(operation: object, known: readonly string[]): Issue[] {
  return unknownKeyIssues(operation, known, 'field');
}

function keyIssues({ key }: GetOperation | PutOperation): Issue[] {
  return typeof key === 'string' ? [] : [{ path: ['key'], message: 'expected a string.' }];
}

function indexIssues({ index }: PutOperation): Issue[] {
  if (index === undefined || index === null || index === false || Array.isArray(index)) return [];
  return [{ path: ['index'], message: 'expected false or a list of paths.' }];
}

function queryIssues({ query }: SearchOperation): Issue[] {
  if (query === undefined || query === null || typeof query === 'string') return [];
  return [{ path: ['query'], message: 'expected a string.' }];
}

function countIssues(operation: SearchOperation | ListNamespacesOperation): Issue[] {
  const counts: [name: string, value: unknown, minimum: number][] = [
    ['limit', operation.limit, 0],
    ['offset', operation.offset, 0],
  ];
  if ('maxDepth' in operation) counts.push(['maxDepth', operation.maxDepth, 1]);
  return counts.flatMap(([name, value, minimum]) => {
    const isAbsent = value === undefined || value === null;
    if (isAbsent || (Number.isSafeInteger(value) && (value as number) >= minimum)) return [];
    return [{ path: [name], message: `expected an integer, ${minimum} or more, got ${String(value)}.` }];
  });
}

function matchIssues({ matchConditions = [] }: ListNamespacesOperation): Issue[] {
  if (!Array.isArray(matchConditions)) return [{ path: ['matchConditions'], message: 'expected a list.' }];
  return matchConditions.flatMap(({ matchType, path }, i) => {
    const issues: Issue[] = [];
    if (matchType !== 'prefix' && matchType !== 'suffix') {
      issues.push({ path: ['matchConditions', i, 'matchType'], message: "expected 'prefix' or 'suffix'." });
    }
    if (!Array.isArray(path))
      issues.push({ path: ['matchConditions', i, 'path'], message: 'expected a list of labels.' });
    return issues;
  });
}
