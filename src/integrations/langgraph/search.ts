import type { SearchItem, SearchOperation } from '@langchain/langgraph-checkpoint';
import type { Filter, Hit, Memory } from '../../index';
import { parseFilter } from './filters';
import { type Items, isItem, itemOf, itemsOnly, within } from './items';

// As many as one recall and one page of a list give.
const mostAtOnce = 1_000;
const defaultLimit = 10;

interface Question {
  readonly within: ReturnType<typeof within>;
  readonly conditions: readonly Filter[];
  /** How many to ask for at a time. */
  readonly atOnce: number;
}

/**
 * What a search finds: ranked where it has a query, and then, like LangGraph's own stores, what has no indexed text; oldest first
 * where it has none. Whatever the filter takes is found, however little of the store that is.
 */
export async function search(items: Items, operation: SearchOperation): Promise<SearchItem[]> {
  const [limit, offset] = [operation.limit ?? defaultLimit, operation.offset ?? 0];
  const query = operation.query?.trim() ? operation.query : undefined;
  const { conditions, holds } = parseFilter(operation.filter);
  const wanted = limit + offset;
  if (limit === 0) return [];
  const question = {
    within: within(items, operation.namespacePrefix),
    conditions,
    atOnce: Math.min(wanted, mostAtOnce),
  };
  const found: SearchItem[] = [];
  for await (const memory of query === undefined ? listed(items, question) : ranked(items, question, query)) {
    if (holds?.(memory.metadata) === false) continue;
    found.push({
      ...itemOf(items, memory),
      score: 'score' in memory ? (memory as Hit).score : undefined,
    } as SearchItem);
    if (found.length === wanted) break;
  }
  return found.slice(offset);
}

async function* ranked(items: Items, question: Question, query: string): AsyncGenerator<Memory> {
  const { atOnce, conditions } = question;
  const seen: string[] = [];
  // Among items alone a search without a filter is the fastest; whatever else shows, the next one is about items only.
  let narrowed = conditions.length > 0;
  for (;;) {
    const filter = filterOf([...conditions, ...(narrowed ? [itemsOnly] : []), ...without(seen)]);
    const hits = await items.handle.recall(query, { ...question.within, ...filter, topK: atOnce });
    const found = hits.filter((hit) => isItem(items, hit));
    if (!narrowed && found.length < hits.length) {
      narrowed = true;
      continue;
    }
    yield* found;
    seen.push(...hits.map(({ id }) => id));
    if (hits.length < atOnce) break;
  }
  yield* listed(items, { ...question, conditions: [...conditions, ...without(seen)] });
}

async function* listed(items: Items, { conditions, atOnce, within: where }: Question): AsyncGenerator<Memory> {
  const filter = filterOf([...conditions, itemsOnly]);
  for await (const memory of items.handle.list({ ...where, ...filter, order: 'oldest', limit: atOnce })) {
    if (isItem(items, memory)) yield memory;
  }
}

function without(ids: readonly string[]): Filter[] {
  return ids.length === 0 ? [] : [{ id: { nin: ids } }];
}

function filterOf(conditions: readonly Filter[]): { filter?: Filter } {
  return conditions.length === 0 ? {} : { filter: { and: conditions } };
}
