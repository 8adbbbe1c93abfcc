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
  // What is looked at here is looked at in large pieces.
  const atOnce = holds === undefined ? Math.min(wanted, mostAtOnce) : mostAtOnce;
  const question = { within: within(items, operation.namespacePrefix), conditions, atOnce };
  const found: SearchItem[] = [];
  for await (const memory of query === undefined ? listed(items, question) : ranked(items, question, query)) {
    if (holds?.(memory.metadata) === false) continue;
    found.push({ ...itemOf(items, memory), score: 'score' in memory ? memory.score : undefined } as SearchItem);
    if (found.length === wanted) break;
  }
  return found.slice(offset);
}

// Among items alone, a question about everything is the fastest. Where anything else shows, the next one is about items only.
async function* ranked(items: Items, question: Question, query: string): AsyncGenerator<Memory | Hit> {
  const { atOnce, conditions } = question;
  const seen: string[] = [];
  let narrowing: Filter[] = [];
  for (;;) {
    const filter = filterOf([...conditions, ...narrowing, ...without(seen)]);
    const hits = await items.handle.recall(query, { ...question.within, ...filter, topK: atOnce });
    const found = hits.filter((hit) => isItem(items, hit));
    if (narrowing.length === 0 && found.length < hits.length) {
      narrowing = [itemsOnly];
      continue;
    }
    yield* found;
    seen.push(...hits.map(({ id }) => id));
    if (hits.length < atOnce) break;
  }
  yield* listed(items, { ...question, conditions: [...conditions, ...without(seen)] });
}

async function* listed(items: Items, question: Question): AsyncGenerator<Memory> {
  const seen = new Set<string>();
  for (const narrowing of [[], [itemsOnly]]) {
    let isMixed = false;
    for await (const page of pages(items, question, narrowing)) {
      isMixed = narrowing.length === 0 && !page.every((memory) => isItem(items, memory));
      if (isMixed) break;
      for (const memory of page) {
        if (!isItem(items, memory) || seen.has(memory.id)) continue;
        seen.add(memory.id);
        yield memory;
      }
    }
    if (!isMixed) return;
  }
}

async function* pages(items: Items, question: Question, narrowing: Filter[]): AsyncGenerator<Memory[]> {
  const { conditions, atOnce, within: where } = question;
  const options = { ...where, ...filterOf([...conditions, ...narrowing]), order: 'oldest' as const, limit: atOnce };
  let cursor: string | undefined;
  do {
    const page = await items.handle.list(cursor === undefined ? options : { ...options, cursor });
    yield page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

function without(ids: readonly string[]): Filter[] {
  return ids.length === 0 ? [] : [{ id: { nin: ids } }];
}

function filterOf(conditions: readonly Filter[]): { filter?: Filter } {
  return conditions.length === 0 ? {} : { filter: { and: conditions } };
}
