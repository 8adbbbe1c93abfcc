import type { Item } from '@langchain/langgraph-checkpoint';
import type { Filter, Memory, MemoryHandle, Namespace } from '../../index';

// What other code keeps under the same key in the same namespace stays apart from the items of a store.
const prefix = 'langgraph:';
/** The first key after all keys that begin with the prefix: `;` comes right after `:`. */
const afterPrefix = 'langgraph;';

/** Takes the memories that are items of a store, and no others. */
export const itemsOnly: Filter = { key: { gte: prefix, lt: afterPrefix } };

/** The memories of a handle, as the items of a store: its namespaces begin where the handle's scope does. */
export interface Items {
  readonly handle: MemoryHandle;
  /** The namespace of the handle's scope. */
  readonly root: Namespace;
  /** The paths of what is searched in an item that does not name its own. */
  readonly fields: readonly string[];
}

/** Where an item lies in the handle. */
export function addressOf(
  { root }: Pick<Items, 'root'>,
  { namespace, key }: { namespace: readonly string[]; key: string },
) {
  return { namespace: [...root, ...namespace], key: `${prefix}${key}` };
}

/** What a search or a list is about: everything in the handle's reach where neither it nor the root names a label. */
export function within({ root }: Items, namespacePrefix: readonly string[]): { namespace?: Namespace } {
  const namespace = [...root, ...namespacePrefix];
  return namespace.length === 0 ? {} : { namespace };
}

/** Whether a memory was put through a store, and lies where a store can name it. */
export function isItem({ root }: Items, { key, namespace }: Pick<Memory, 'key' | 'namespace'>): boolean {
  return key?.startsWith(prefix) === true && namespace.length > root.length;
}

/** A memory as the item that was put. */
export function itemOf({ root }: Items, memory: Memory): Item {
  const { key = '', namespace, metadata, createdAt, updatedAt } = memory;
  return {
    value: { ...metadata },
    key: key.slice(prefix.length),
    namespace: namespace.slice(root.length),
    createdAt,
    updatedAt,
  };
}
