import type { SearchItem, SearchOperation } from '@langchain/langgraph-checkpoint';
import { defined } from '../../domain/defined';
import type { Filter, Hit, Memory } from '../../index';
import {
  type ItemSpace,
  indexedFilter,
  inTextFilter,
  isInText,
  isItem,
  isUnindexed,
  itemFilter,
  itemFromMemory,
  namespaceScope,
} from './item-memory';
import { parseFilter } from './langgraph-filter';

// The maximum `topK` of one `recall`, and the maximum page size of one `list`.
const maxPageSize = 1_000;
const defaultLimit = 10;

interface SearchPlan {
  readonly scope: ReturnType<typeof namespaceScope>;
  readonly conditions: readonly Filter[];
  readonly pageSize: number;
}

/**
 * Finds the items that match. With a query, the best come first, and items without indexed text come last, as in LangGraph's own stores.
 * Without a query, the oldest come first. All matching items can be found, even if only few memories in the store match.
 */
export async function searchItems(space: ItemSpace, operation: SearchOperation): Promise<SearchItem[]> {
  const [limit, offset] = [operation.limit ?? defaultLimit, operation.offset ?? 0];
  const query = operation.query?.trim() ? operation.query : undefined;
  const { conditions: given, matchesValue, matches } = parseFilter(operation.filter);
  // A value in the text is checked here: the conditions are about metadata.
  const conditions = given.length === 0 ? [] : [{ or: [{ and: given }, inTextFilter] }];
  const wanted = limit + offset;
  if (limit === 0) return [];
  // If there are conditions that only this code can check, they may reject most items on a page. In this case pages are large.
  const pageSize = matchesValue === undefined ? Math.min(wanted, maxPageSize) : maxPageSize;
  const plan: SearchPlan = { scope: namespaceScope(space, operation.namespacePrefix), conditions, pageSize };
  const found: SearchItem[] = [];
  for await (const memory of query === undefined ? listItems(space, plan) : rankItems(space, plan, query)) {
    const item = itemFromMemory(space, memory);
    if ((isInText(memory) ? matches : matchesValue)?.(item.value) === false) continue;
    found.push({ ...item, score: 'score' in memory ? memory.score : undefined } as SearchItem);
    if (found.length === wanted) break;
  }
  return found.slice(offset);
}

// A recall without `itemFilter` is fastest, and it is enough if all memories in the scope are items. If another memory appears in the
// results, the search continues with the filter.
async function* rankItems(space: ItemSpace, plan: SearchPlan, query: string): AsyncGenerator<Memory | Hit> {
  const { pageSize, conditions } = plan;
  const seenIds: string[] = [];
  let itemConditions: Filter[] = [];
  for (;;) {
    const filter = allOf([...conditions, ...itemConditions, ...excludeIds(seenIds)]);
    const hits = await space.handle.recall(query, { ...plan.scope, ...filter, topK: pageSize });
    const items = hits.filter((hit) => isItem(space, hit) && !isUnindexed(hit));
    if (itemConditions.length === 0 && items.length < hits.length) {
      itemConditions = [itemFilter, indexedFilter];
      continue;
    }
    yield* items;
    seenIds.push(...hits.map(({ id }) => id));
    if (hits.length < pageSize) break;
  }
  yield* listItems(space, { ...plan, conditions: [...conditions, ...excludeIds(seenIds)] });
}

// As in `rankItems`, this lists without `itemFilter` first, and starts again with the filter if another memory appears.
async function* listItems(space: ItemSpace, plan: SearchPlan): AsyncGenerator<Memory> {
  const seenIds = new Set<string>();
  for (const itemConditions of [[], [itemFilter]]) {
    let isMixed = false;
    for await (const page of listPages(space, plan, itemConditions)) {
      isMixed = itemConditions.length === 0 && !page.every((memory) => isItem(space, memory));
      if (isMixed) break;
      for (const memory of page) {
        if (!isItem(space, memory) || seenIds.has(memory.id)) continue;
        seenIds.add(memory.id);
        yield memory;
      }
    }
    if (!isMixed) return;
  }
}

async function* listPages(space: ItemSpace, plan: SearchPlan, itemConditions: Filter[]): AsyncGenerator<Memory[]> {
  const { conditions, pageSize, scope } = plan;
  const options = { ...scope, ...allOf([...conditions, ...itemConditions]), order: 'oldest' as const, limit: pageSize };
  let cursor: string | undefined;
  do {
    const page = await space.handle.list({ ...options, ...defined({ cursor }) });
    yield page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

function excludeIds(ids: readonly string[]): Filter[] {
  return ids.length === 0 ? [] : [{ id: { nin: ids } }];
}

function allOf(conditions: readonly Filter[]): { filter?: Filter } {
  return conditions.length === 0 ? {} : { filter: { and: conditions } };
}
