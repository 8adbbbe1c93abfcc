import type { ListNamespacesOperation, MatchCondition } from '@langchain/langgraph-checkpoint';
import { type Items, itemsOnly, within } from './items';

/** The namespaces that hold items, in LangGraph's order: those of the conditions, cut to the depth, each once. */
export async function listNamespaces(items: Items, operation: ListNamespacesOperation): Promise<string[][]> {
  const { matchConditions = [], maxDepth, limit, offset = 0 } = operation;
  const { namespace } = within(items, literalPrefix(matchConditions));
  const held = await items.handle.namespaces({
    ...(namespace === undefined ? {} : { within: namespace }),
    filter: itemsOnly,
  });
  const matching = held
    .map((each) => each.namespace.slice(items.root.length))
    .filter((labels) => labels.length > 0 && matchConditions.every((condition) => matches(condition, labels)));
  const cut = new Map(matching.map((labels) => labels.slice(0, maxDepth)).map((each) => [JSON.stringify(each), each]));
  const ordered = [...cut.values()].sort((a, b) => a.join(':').localeCompare(b.join(':')));
  return ordered.slice(offset, limit === undefined ? undefined : offset + limit);
}

/** The labels before the first wildcard of a prefix: nothing outside of them can match. */
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
