import type { Item, PutOperation, SearchItem } from '@langchain/langgraph-checkpoint';
import { addressOf, type Items, isItem, itemOf } from './items';
import { inTheirWords } from './langgraph-checks';
import { listNamespaces } from './namespaces';
import type { Asked } from './operations';
import { parsePath, textsAt } from './paths';
import { search } from './search';
import { writtenValue } from './written-values';

/** What an operation answers. */
export type Answer = Item | null | undefined | SearchItem[] | string[][];

/**
 * Carries out operations in their order, and answers each by itself: what fails hinders no other. Those that cannot tell in which
 * order they happen go to the store together.
 */
export async function carryOut(items: Items, asked: readonly Asked[]): Promise<PromiseSettledResult<Answer>[]> {
  const results: PromiseSettledResult<Answer>[] = [];
  for (const run of runsOf(asked)) results.push(...(await Promise.allSettled(run.map((each) => answer(items, each)))));
  return results.map((each) =>
    each.status === 'rejected' ? { status: 'rejected', reason: inTheirWords(each.reason) } : each,
  );
}

/** Runs of reads, and runs of writes to different items. */
function runsOf(asked: readonly Asked[]): Asked[][] {
  const runs: Asked[][] = [];
  let written = new Set<string>();
  let wrote: boolean | undefined;
  for (const each of asked) {
    const writes = each.kind === 'put' || each.kind === 'delete';
    const item = writes ? JSON.stringify([each.operation.namespace, each.operation.key]) : '';
    if (wrote !== writes || written.has(item)) {
      runs.push([]);
      written = new Set();
    }
    runs.at(-1)?.push(each);
    wrote = writes;
    if (writes) written.add(item);
  }
  return runs;
}

async function answer(items: Items, asked: Asked): Promise<Answer> {
  switch (asked.kind) {
    case 'get':
      return get(items, asked.operation);
    case 'put':
      return put(items, asked.operation);
    case 'delete':
      return forget(items, asked.operation);
    case 'search':
      return search(items, asked.operation);
    case 'list':
      return listNamespaces(items, asked.operation);
  }
}

async function find(items: Items, operation: { namespace: string[]; key: string }) {
  const memory = await items.handle.get(addressOf(items, operation));
  return memory !== undefined && memory.state === 'active' && isItem(items, memory) ? memory : undefined;
}

async function get(items: Items, operation: { namespace: string[]; key: string }): Promise<Item | null> {
  const memory = await find(items, operation);
  return memory === undefined ? null : itemOf(items, memory);
}

async function put(items: Items, operation: PutOperation & { value: object }): Promise<undefined> {
  const { value, index } = operation;
  const paths = index === false ? [] : (index ?? items.fields);
  const texts = paths.flatMap((path) => textsAt(value, parsePath(path)));
  const { text, ...rest } = writtenValue(value, texts);
  await items.handle.remember(text, { ...addressOf(items, operation), ...rest });
}

async function forget(items: Items, operation: { namespace: string[]; key: string }): Promise<undefined> {
  const memory = await find(items, operation);
  if (memory !== undefined) await items.handle.forget(memory.id);
}
