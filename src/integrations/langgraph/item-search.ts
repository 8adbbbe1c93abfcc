import type { SearchItem, SearchOperation } from '@langchain/langgraph-checkpoint';
import { defined } from '../../domain/defined';
import { type Filter, type Hit, type Memory, MemoryError } from '../../index';
import {
  type ItemSpace,
  indexedFilter,
  inTextFilter,
  isInText,
  isItem,
  isUnindexed,
  itemFilter,
  itemFromMemory,
  itemValue,
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
  /** The number of items to find. */
  readonly wanted: number;
  /** Checks what the conditions cannot. */
  matches(memory: Memory): boolean;
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
  const plan: SearchPlan = {
    scope: namespaceScope(space, operation.namespacePrefix),
    conditions,
    // If there are conditions that only this code can check, they may reject most items on a page. In this case pages are large.
    pageSize: matchesValue === undefined ? Math.min(wanted, maxPageSize) : maxPageSize,
    wanted,
    matches: (memory) => (isInText(memory) ? matches : matchesValue)?.(itemValue(memory)) !== false,
  };
  const found: SearchItem[] = [];
  for await (const memory of query === undefined ? listItems(space, plan) : rankItems(space, plan, query)) {
    if (!plan.matches(memory)) continue;
    const score = 'score' in memory ? memory.score : undefined;
    found.push({ ...itemFromMemory(space, memory), score } as SearchItem);
    if (found.length === wanted) break;
  }
  return found.slice(offset);
}

// A recall without `itemFilter` is fastest, and it is enough if all memories in the scope are items. If another memory appears in the
// results, the search continues with the filter.
async function* rankItems(space: ItemSpace, plan: SearchPlan, query: string): AsyncGenerator<Memory | Hit> {
  const seenIds = new Set<string>();
  let { pageSize } = plan;
  let itemConditions: Filter[] = [];
  for (;;) {
    const conditions = [...plan.conditions, ...itemConditions, ...excludeIds(seenIds)];
    const page = await recallPage(space, { ...plan, conditions, pageSize }, query).catch((error: unknown) => {
      // A filter has a maximum size, which the ids of several thousand memories exceed.
      if (seenIds.size > 0 && isRefused(error, 'filter')) return undefined;
      throw error;
    });
    if (page === undefined) {
      const rest = await rankRest(space, plan, query, seenIds);
      yield* rest;
      for (const { id } of rest) seenIds.add(id);
      break;
    }
    const { hits } = page;
    pageSize = Math.min(page.pageSize * 2, plan.pageSize);
    const items = hits.filter((hit) => isItem(space, hit) && !isUnindexed(hit));
    if (itemConditions.length === 0 && items.length < hits.length) {
      itemConditions = [itemFilter, indexedFilter];
      continue;
    }
    yield* items;
    for (const { id } of hits) seenIds.add(id);
    if (hits.length < page.pageSize) break;
  }
  for await (const memory of listItems(space, plan)) if (!seenIds.has(memory.id)) yield memory;
}

/** Recalls one page. If the page does not fit into one answer of the store, takes a smaller one. */
async function recallPage(
  space: ItemSpace,
  plan: Pick<SearchPlan, 'scope' | 'conditions' | 'pageSize'>,
  query: string,
): Promise<{ hits: Hit[]; pageSize: number }> {
  const { scope, conditions, pageSize } = plan;
  try {
    // Every item is ranked, whoever wrote it, so that no page ends before the last one.
    const whole = { topK: pageSize, maxPerSource: pageSize, distinct: false } as const;
    return { hits: await space.handle.recall(query, { ...scope, ...allOf(conditions), ...whole }), pageSize };
  } catch (error) {
    if (pageSize === 1 || !isRefused(error, 'topK')) throw error;
    return recallPage(space, { ...plan, pageSize: smallerSize(pageSize) }, query);
  }
}

/**
 * Ranks all items that match and are not among `seenIds`. Each recall is about a part of them, so that neither its filter nor its
 * answer becomes too large for the store. The score of a word depends on how many of the recalled items have it. Therefore half of a
 * part are the best items of earlier parts, which are compared again.
 */
async function rankRest(
  space: ItemSpace,
  plan: SearchPlan,
  query: string,
  seenIds: ReadonlySet<string>,
): Promise<Hit[]> {
  const ids: string[] = [];
  for await (const memory of listItems(space, plan))
    if (!seenIds.has(memory.id) && !isUnindexed(memory) && plan.matches(memory)) ids.push(memory.id);
  let best: Hit[] = [];
  let partSize = plan.pageSize;
  for (let start = 0; start < ids.length; ) {
    const compared = best.slice(0, Math.floor(partSize / 2));
    const added = ids.slice(start, start + partSize - compared.length);
    const part = [...compared.map(({ id }) => id), ...added];
    const whole = { topK: part.length, maxPerSource: part.length, distinct: false } as const;
    const options = { ...plan.scope, filter: { id: { in: part } }, ...whole };
    const hits = await space.handle.recall(query, options).catch((error: unknown) => {
      if (part.length > 1 && (isRefused(error, 'topK') || isRefused(error, 'filter'))) return undefined;
      throw error;
    });
    if (hits === undefined) {
      partSize = smallerSize(part.length);
      continue;
    }
    start += added.length;
    const ranked = [...hits, ...best.slice(compared.length)].sort((one, other) => other.score - one.score);
    best = ranked.slice(0, Math.max(plan.wanted, plan.pageSize));
    partSize = Math.min(partSize * 2, plan.pageSize);
  }
  return best;
}

/** The next smaller power of two, so that pages of different searches end at the same items. */
function smallerSize(size: number): number {
  return 2 ** (Math.ceil(Math.log2(size)) - 1);
}

/** Whether the store has refused an option of a call: its value, or what it asks for, exceeds a limit of the store. */
function isRefused(error: unknown, option: 'topK' | 'filter'): boolean {
  return MemoryError.is(error) && error.code === 'INVALID_INPUT' && error.issues.some(({ path }) => path[0] === option);
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

function excludeIds(ids: ReadonlySet<string>): Filter[] {
  return ids.size === 0 ? [] : [{ id: { nin: [...ids] } }];
}

function allOf(conditions: readonly Filter[]): { filter?: Filter } {
  return conditions.length === 0 ? {} : { filter: { and: conditions } };
}
