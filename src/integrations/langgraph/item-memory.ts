import { types } from 'node:util';
import type { Item } from '@langchain/langgraph-checkpoint';
import {
  type Filter,
  type Memory,
  MemoryError,
  type MemoryHandle,
  type Metadata,
  type Namespace,
  type NewMemory,
} from '../../index';
import { invalidInput } from '../shared/input-checks';
import { decodeBytes, encodeBytes, hasBytes, isJson, isMarkedBytes } from './item-value';

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

// Metadata has a limit of its own, so a longer value is the memory's text: up to 1 MB. These tags say so.
const maxMetadataBytes = 65_536;
const inText = 'langgraph:value-in-text';
const unindexed = 'langgraph:unindexed';

/** Matches the items whose value is the text of the memory. No condition on metadata says anything about them. */
export const inTextFilter: Filter = { tags: { contains: inText } };
/** Matches the items whose text may be searched. */
export const indexedFilter: Filter = { tags: { ne: unindexed } };

/** Whether the text of an item is only its value, which nobody has asked to index. */
export function isUnindexed({ tags }: Pick<Memory, 'tags'>): boolean {
  return tags.includes(unindexed);
}

/** Whether the value of an item is the text of its memory. */
export function isInText({ tags }: Pick<Memory, 'tags'>): boolean {
  return tags.includes(inText);
}

/** What to index of a value. */
export interface IndexedTexts {
  readonly texts: readonly string[];
  /** Whether `texts` is the whole value. */
  readonly isWhole: boolean;
}

/**
 * Makes the memory for a value. The value is its metadata, and the indexed texts are its text. Without texts it is not embedded. A
 * value that is too long for metadata is the text itself.
 *
 * @throws INVALID_INPUT for a value that is too long for metadata and of which only parts should be indexed
 */
export function valueMemory(
  value: object,
  { texts, isWhole }: IndexedTexts,
): Pick<NewMemory, 'text' | 'metadata' | 'embed' | 'tags'> {
  const metadata = encodeBytes(value) as Metadata;
  const text = texts.join(textSeparator);
  const json = isJson(metadata) ? JSON.stringify(metadata) : '';
  if (Buffer.byteLength(json) <= maxMetadataBytes)
    return text.trim() === '' ? { text: emptyText, metadata, embed: false } : { text, metadata };
  // The bytes of a file say nothing to a search.
  if (texts.length === 0 || hasBytes(value)) return { text: json, tags: [inText, unindexed], embed: false };
  if (isWhole) return { text: json, tags: [inText] };
  const message =
    `of a value with more than ${maxMetadataBytes} bytes as JSON, single fields cannot be indexed. ` +
    "Index the whole value (['$']) or nothing (false), or store the long part as an item of its own.";
  throw invalidInput('operation', [{ path: ['index'], message }]);
}

/** Returns the text to index for a value: no text for null, JSON for a list or an object, without the bytes in it. */
export function indexTexts(value: unknown): string[] {
  if (value === null || value === undefined || types.isTypedArray(value)) return [];
  return [typeof value === 'object' ? JSON.stringify(withoutBytes(value), null, 2) : String(value)];
}

function withoutBytes(value: object): unknown {
  return hasBytes(value)
    ? JSON.parse(JSON.stringify(encodeBytes(value), (_, each) => (isMarkedBytes(each) ? undefined : each)))
    : value;
}

/** The value of the item that a memory stores. */
export function itemValue(memory: Pick<Memory, 'id' | 'text' | 'tags' | 'metadata'>): Record<string, unknown> {
  if (!isInText(memory)) return decodeBytes(memory.metadata) as Record<string, unknown>;
  try {
    return decodeBytes(JSON.parse(memory.text)) as Record<string, unknown>;
  } catch (cause) {
    const message = `The text of memory ${memory.id} is no longer the value of its item. Put the item again.`;
    throw new MemoryError('RECORD_DAMAGED', message, { cause });
  }
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
  const { key = '', namespace, createdAt, updatedAt } = memory;
  return {
    value: itemValue(memory),
    key: key.slice(prefix.length),
    namespace: namespace.slice(root.length),
    createdAt,
    updatedAt,
  };
}
