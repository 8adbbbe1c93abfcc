import { Document, type DocumentInterface } from '@langchain/core/documents';
import type { Memory, MemoryHandle, Metadata, Namespace, NewMemory } from '../../index';
import { refused } from './langchain-checks';

/**
 * A memory as a document. Its id is its key where the handle's own namespace holds it, since that is how the handle finds it,
 * and the memory's own elsewhere.
 */
export function documentOf({ scope }: MemoryHandle, memory: Memory): Document<Metadata> {
  const { id, key, text, metadata, namespace } = memory;
  const isNamed = key !== undefined && isSame(namespace, scope.namespace ?? []);
  return new Document({ pageContent: text, metadata: { ...metadata }, id: isNamed ? key : id });
}

/** A document as a memory: its id, where it has one, is the key under which it is revised. */
export function memoryOf({ pageContent, metadata, id }: DocumentInterface, givenId: unknown, at: number): NewMemory {
  const key = givenId ?? id;
  if (key !== undefined && typeof key !== 'string') {
    throw refused('The documents', [{ path: [at, 'id'], message: 'must be a string.' }]);
  }
  return { text: pageContent, metadata: (metadata ?? {}) as Metadata, ...(key === undefined ? {} : { key }) };
}

function isSame(a: Namespace, b: Namespace): boolean {
  return a.length === b.length && a.every((label, depth) => label === b[depth]);
}
