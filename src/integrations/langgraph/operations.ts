import {
  type GetOperation,
  InvalidNamespaceError,
  type ListNamespacesOperation,
  type Operation,
  type PutOperation,
  type SearchOperation,
  validateNamespace,
} from '@langchain/langgraph-checkpoint';
import type { Issue } from '../../index';
import { parseFilter } from './filters';
import { refused, unknownIssues } from './langgraph-checks';
import { parsePath } from './paths';

/** An operation that was looked at, with its kind. */
export type Asked =
  | { readonly kind: 'get'; readonly operation: GetOperation }
  | { readonly kind: 'put'; readonly operation: PutOperation & { value: NonNullable<PutOperation['value']> } }
  | { readonly kind: 'delete'; readonly operation: PutOperation }
  | { readonly kind: 'search'; readonly operation: SearchOperation }
  | { readonly kind: 'list'; readonly operation: ListNamespacesOperation };

const known = {
  get: ['namespace', 'key'],
  put: ['namespace', 'key', 'value', 'index'],
  search: ['namespacePrefix', 'filter', 'limit', 'offset', 'query'],
  list: ['matchConditions', 'maxDepth', 'limit', 'offset'],
} as const;

/**
 * Looks at an operation before anything of its batch is done.
 *
 * @throws InvalidNamespaceError as LangGraph's own stores do, and INVALID_INPUT for everything else that is wrong with it
 */
export function check(operation: Operation): Asked {
  if (typeof operation !== 'object' || operation === null)
    throw refused([{ path: [], message: 'It is no operation.' }]);
  if ('namespacePrefix' in operation) {
    checkNamespace(operation.namespacePrefix, true);
    report([...unknownIssues(operation, known.search), ...wholeIssues(operation), ...queryIssues(operation)]);
    parseFilter(operation.filter);
    return { kind: 'search', operation };
  }
  if ('namespace' in operation) {
    checkNamespace(operation.namespace, false);
    const put = 'value' in operation ? operation : undefined;
    report([
      ...unknownIssues(operation, put === undefined ? known.get : known.put),
      ...keyIssues(operation),
      ...(put === undefined ? [] : indexIssues(put)),
    ]);
    if (put === undefined) return { kind: 'get', operation };
    const { value, index } = put;
    for (const path of index || []) parsePath(path);
    if (value === null || value === undefined) return { kind: 'delete', operation: put };
    return { kind: 'put', operation: { ...put, value } };
  }
  const listing = operation as ListNamespacesOperation;
  report([...unknownIssues(listing, known.list), ...wholeIssues(listing), ...matchIssues(listing)]);
  return { kind: 'list', operation: listing };
}

// As in LangGraph's own stores: only `put` refuses the root `langgraph`, and it does so before there is an operation.
function checkNamespace(namespace: string[], allowEmpty: boolean): void {
  if (!Array.isArray(namespace)) throw new InvalidNamespaceError('A namespace must be a list of labels.');
  validateNamespace(namespace, { allowReservedRoot: true, allowEmpty });
}

function report(issues: readonly Issue[]): void {
  if (issues.length > 0) throw refused(issues);
}

function keyIssues({ key }: GetOperation | PutOperation): Issue[] {
  return typeof key === 'string' ? [] : [{ path: ['key'], message: 'must be a string.' }];
}

function indexIssues({ index }: PutOperation): Issue[] {
  if (index === undefined || index === null || index === false || Array.isArray(index)) return [];
  return [{ path: ['index'], message: 'must be false or a list of paths.' }];
}

function queryIssues({ query }: SearchOperation): Issue[] {
  if (query === undefined || query === null || typeof query === 'string') return [];
  return [{ path: ['query'], message: 'must be a string.' }];
}

function wholeIssues(operation: SearchOperation | ListNamespacesOperation): Issue[] {
  const counts: [string, unknown, number][] = [
    ['limit', operation.limit, 0],
    ['offset', operation.offset, 0],
  ];
  if ('maxDepth' in operation) counts.push(['maxDepth', operation.maxDepth, 1]);
  return counts.flatMap(([name, value, least]) => {
    if (value === undefined || value === null || (Number.isSafeInteger(value) && (value as number) >= least)) return [];
    return [{ path: [name], message: `must be a whole number, ${least} or more.` }];
  });
}

function matchIssues({ matchConditions = [] }: ListNamespacesOperation): Issue[] {
  if (!Array.isArray(matchConditions)) return [{ path: ['matchConditions'], message: 'must be a list.' }];
  return matchConditions.flatMap(({ matchType, path }, i) => {
    const issues: Issue[] = [];
    if (matchType !== 'prefix' && matchType !== 'suffix') {
      issues.push({ path: ['matchConditions', i, 'matchType'], message: "must be 'prefix' or 'suffix'." });
    }
    if (!Array.isArray(path))
      issues.push({ path: ['matchConditions', i, 'path'], message: 'must be a list of labels.' });
    return issues;
  });
}
