import type { ListNamespacesOperation, MatchCondition } from '@langchain/langgraph-checkpoint';
import { defined } from '../../domain/defined';
import { allNamespaces } from '../shared/all-namespaces';
import { type ItemSpace, itemFilter, namespaceScope } from './item-memory';

/** Lists the namespaces that contain items and match all conditions: cut to `maxDepth`, without duplicates, in LangGraph's order. */
export async function listNamespaces(space: ItemSpace, operation: ListNamespacesOperation): Promise<string[][]> {
  const { matchConditions = [], maxDepth, limit, offset = 0 } = operation;
  const { namespace: within } = namespaceScope(space, literalPrefix(matchConditions));
  const cut = new Map<string, string[]>();
  for (const { namespace } of await allNamespaces(space.handle, { ...defined({ within }), filter: itemFilter })) {
    const labels = namespace.slice(space.root.length);
    if (labels.length === 0 || !matchConditions.every((condition) => matches(condition, labels))) continue;
    const shown = labels.slice(0, maxDepth);
    cut.set(JSON.stringify(shown), shown);
  }
  const ordered = [...cut.values()].sort((a, b) => a.join(':').localeCompare(b.join(':')));
  return ordered.slice(offset, limit === undefined ? undefined : offset + limit);
}

/** Returns the labels of the prefix condition before its first wildcard. All matches are below this path, so only this is listed. */
function literalPrefix(conditions: readonly MatchCondition[]): string[] {
  const path = conditions.find(({ matchType }) => matchType === 'prefix')?.path ?? [];
  const wildcard = path.indexOf('*');
  return wildcard < 0 ? path : path.slice(0, wildcard);
}

function matches({ matchType, path }: MatchCondition, labels: readonly string[]): boolean {
  if (path.length > labels.length) return false;
  const start = matchType === 'prefix' ? 0 : labels.length - path.length;
  return path.every((label, depth) => label === '*' || label === labels[start + depth]);
}
