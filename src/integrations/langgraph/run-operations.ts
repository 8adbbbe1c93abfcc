import type { Item, PutOperation, SearchItem } from '@langchain/langgraph-checkpoint';
import type { CheckedOperation } from './checked-operation';
import { parseIndexPath, textsAtPath } from './index-path';
import { type ItemSpace, isItem, itemAddress, itemFromMemory, valueMemory } from './item-memory';
import { searchItems } from './item-search';
import { toLangGraphError } from './langgraph-errors';
import { listNamespaces } from './list-namespaces';

/** The result of an operation. */
export type OperationResult = Item | null | undefined | SearchItem[] | string[][];

/**
 * Runs operations in order. Each has its own outcome, and a failed operation does not stop the others. Consecutive operations run at the
 * same time if their order makes no difference.
 */
export async function runOperations(
  space: ItemSpace,
  operations: readonly CheckedOperation[],
): Promise<PromiseSettledResult<OperationResult>[]> {
  const outcomes: PromiseSettledResult<OperationResult>[] = [];
  for (const group of independentGroups(operations))
    outcomes.push(...(await Promise.allSettled(group.map((each) => run(space, each)))));
  return outcomes.map((each) =>
    each.status === 'rejected' ? { status: 'rejected', reason: toLangGraphError(each.reason) } : each,
  );
}

/** Splits operations into groups of consecutive operations. Each group has only reads, or only writes to different items. */
function independentGroups(operations: readonly CheckedOperation[]): CheckedOperation[][] {
  const groups: CheckedOperation[][] = [];
  let writtenItems = new Set<string>();
  let previousWrites: boolean | undefined;
  for (const each of operations) {
    const writes = each.kind === 'put' || each.kind === 'delete';
    const item = writes ? JSON.stringify([each.operation.namespace, each.operation.key]) : '';
    if (previousWrites !== writes || writtenItems.has(item)) {
      groups.push([]);
      writtenItems = new Set();
    }
    groups.at(-1)?.push(each);
    previousWrites = writes;
    if (writes) writtenItems.add(item);
  }
  return groups;
}

async function run(space: ItemSpace, { kind, operation }: CheckedOperation): Promise<OperationResult> {
  switch (kind) {
    case 'get':
      return getItem(space, operation);
    case 'put':
      return putItem(space, operation);
    case 'delete':
      return deleteItem(space, operation);
    case 'search':
      return searchItems(space, operation);
    case 'list':
      return listNamespaces(space, operation);
  }
}

async function findMemory(space: ItemSpace, operation: { namespace: string[]; key: string }) {
  const memory = await space.handle.get(itemAddress(space, operation));
  return memory !== undefined && memory.state === 'active' && isItem(space, memory) ? memory : undefined;
}

async function getItem(space: ItemSpace, operation: { namespace: string[]; key: string }): Promise<Item | null> {
  const memory = await findMemory(space, operation);
  return memory === undefined ? null : itemFromMemory(space, memory);
}

async function putItem(space: ItemSpace, operation: PutOperation & { value: object }): Promise<undefined> {
  const { value, index } = operation;
  const paths = index === false ? [] : (index ?? space.fields);
  const texts = paths.flatMap((path) => textsAtPath(value, parseIndexPath(path)));
  const { text, ...rest } = valueMemory(value, { texts, isWhole: paths.length === 1 && paths[0] === '$' });
  await space.handle.remember(text, { ...itemAddress(space, operation), ...rest });
}

async function deleteItem(space: ItemSpace, operation: { namespace: string[]; key: string }): Promise<undefined> {
  const memory = await findMemory(space, operation);
  if (memory !== undefined) await space.handle.forget(memory.id);
}
