import type { Item } from '@langchain/langgraph-checkpoint';
import type { Filter, Memory, MemoryHandle, Metadata, Namespace, NewMemory } from '../../index';

// Keys of items have a prefix, so that an item never has the same key as a memory that other code has written to the same namespace.
const prefix = 'langgraph:';
/** The first key that sorts after all keys with the prefix: `;` follows `:` in ASCII. */
const afterPrefix = 'langgraph;';
// A memory must have a text, so an item without indexed text gets this one. It contains no word that a search could match.
const emptyText = '{…}';

// A form feed ends a section, and each section gets its own vectors. This is needed because LangGraph embeds each indexed text separately.
const textSeparator = '\n\f\n';

/** Matches exactly the memories that are LangGraph items. */
export const itemFilter: Filter = { key: { gte: prefix, lt: afterPrefix } };

/** The handle and the settings with which a LangGraph store keeps its items. */
export interface ItemSpace {
  readonly handle: MemoryHandle;
  /** The namespace of the handle's scope. The namespaces of items are relative to it. */
  readonly root: Namespace;
  /** The paths to index for items that are put without `index`. */
  readonly fields: readonly string[];
}

/** Returns the namespace and the key of the memory that stores an item. */
export function itemAddress(
  { root }: Pick<ItemSpace, 'root'>,
  { namespace, key }: { namespace: readonly string[]; key: string },
) {
  return { namespace: [...root, ...namespace], key: `${prefix}${key}` };
}

/** Makes the memory for a value. The value is its metadata, and the indexed texts are its text. Without texts it is not embedded. */
export function valueMemory(value: object, texts: readonly string[]): Pick<NewMemory, 'text' | 'metadata' | 'embed'> {
  const text = texts.join(textSeparator);
  const metadata = value as Metadata;
  return text.trim() === '' ? { text: emptyText, metadata, embed: false } : { text, metadata };
}

/** Returns the text to index for a value: no text for null, JSON for a list or an object. */
export function indexTexts(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  return [typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)];
}

/** Makes the scope for a search or a list below a prefix. Without labels it is empty, which means the handle's whole scope. */
export function namespaceScope({ root }: ItemSpace, namespacePrefix: readonly string[]): { namespace?: Namespace } {
  const namespace = [...root, ...namespacePrefix];
  return namespace.length === 0 ? {} : { namespace };
}

/** Checks whether a memory is an item of this store. The root namespace has no items, because LangGraph has no empty namespace. */
export function isItem({ root }: ItemSpace, { key, namespace }: Pick<Memory, 'key' | 'namespace'>): boolean {
  return key?.startsWith(prefix) === true && namespace.length > root.length;
}

/** Converts a memory to the item that it stores. */
export function itemFromMemory({ root }: ItemSpace, memory: Memory): Item {
  const { key = '', namespace, metadata, createdAt, updatedAt } = memory;
  return {
    value: { ...metadata },
    key: key.slice(prefix.length),
    namespace: namespace.slice(root.length),
    createdAt,
    updatedAt,
  };
}
