import { Document, type DocumentInterface } from '@langchain/core/documents';
import { defined } from '../../domain/defined';
import type { Memory, MemoryHandle, Metadata, Namespace, NewMemory } from '../../index';
import { invalidInput } from '../shared/input-checks';

/**
 * Converts a memory to a document. If the memory is in the handle's own namespace and has a key, the key becomes the document's id, because
 * the handle can find the memory by this key. Otherwise the memory's id becomes the document's id.
 */
export function documentFromMemory({ scope }: MemoryHandle, memory: Memory): Document<Metadata> {
  const { id, key, text, metadata, namespace } = memory;
  const hasKeyHere = key !== undefined && isSameNamespace(namespace, scope.namespace ?? []);
  return new Document({ pageContent: text, metadata: { ...metadata }, id: hasKeyHere ? key : id });
}

/**
 * Converts a document to a memory. The document's id becomes the memory's key, so adding the same id again revises the memory.
 *
 * @param idOverride The id to use instead of the document's own id.
 * @param index The document's index in the call, for error messages.
 * @throws INVALID_INPUT if the id is not a string
 */
export function memoryFromDocument(
  { pageContent, metadata, id }: DocumentInterface,
  idOverride: unknown,
  index: number,
): NewMemory {
  const key = idOverride ?? id;
  if (key !== undefined && typeof key !== 'string') {
    throw invalidInput('documents', [{ path: [index, 'id'], message: `expected a string, got ${typeof key}.` }]);
  }
  return { text: pageContent, metadata: (metadata ?? {}) as Metadata, ...defined({ key }) };
}

function isSameNamespace(a: Namespace, b: Namespace): boolean {
  return a.length === b.length && a.every((label, depth) => label === b[depth]);
}
