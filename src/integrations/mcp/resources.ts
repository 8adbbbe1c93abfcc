import type { Resource, TextResourceContents } from '@modelcontextprotocol/sdk/types.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { MemoryHandle } from '../../index';
import { labelsOf, memoryIdOf, memoryTemplate, namespaceTemplate, uriOf } from './resource-uris';
import { fenced } from './tools/shown-memory';

const mimeType = 'text/plain';
const pageSize = 100;
const shownMemories = 100;
// "Resource not found", https://modelcontextprotocol.io/specification/2025-11-25/server/resources#error-handling
const notFound = -32002;

/** How namespaces and memories are addressed. */
export const resourceTemplates = [
  {
    uriTemplate: namespaceTemplate,
    name: 'namespace',
    title: 'The newest memories of a namespace, and of those below it',
    description: 'path: the labels, each percent-encoded, separated by slashes.',
    mimeType,
  },
  { uriTemplate: memoryTemplate, name: 'memory', title: 'One memory, by its id', mimeType },
];

/** The namespaces that hold something the principal may read, by their address, a page at a time. */
export async function listResources(
  handle: MemoryHandle,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<{ resources: Resource[]; nextCursor?: string }> {
  // A cursor is the last address of the page before: what comes and goes meanwhile moves nothing.
  const after = cursor === undefined ? '' : uriIn(cursor);
  const found = await handle.namespaces({ signal });
  const all = found.map(({ namespace, count }) => ({ uri: uriOf(namespace), namespace, count }));
  const rest = all.filter(({ uri }) => uri > after).sort((a, b) => (a.uri < b.uri ? -1 : 1));
  const resources = rest.slice(0, pageSize).map(({ uri, namespace, count }) => ({
    uri,
    name: namespace.join('/') || 'the whole store',
    description: `${count} ${count === 1 ? 'memory' : 'memories'}`,
    mimeType,
  }));
  const last = resources.at(-1);
  if (last === undefined || rest.length <= pageSize) return { resources };
  return { resources, nextCursor: Buffer.from(last.uri).toString('base64url') };
}

/** @throws McpError where nothing is there that may be read: the two look alike */
export async function readResource(
  handle: MemoryHandle,
  uri: string,
  signal: AbortSignal,
): Promise<{ contents: TextResourceContents[] }> {
  const [namespace, id] = [labelsOf(uri), memoryIdOf(uri)];
  const text =
    namespace !== undefined ? await textOf(handle, namespace, signal) : fenced(await one(handle, id, signal), '');
  if (text === '') throw new McpError(notFound, 'Resource not found', { uri });
  return { contents: [{ uri, mimeType, text }] };
}

async function textOf(handle: MemoryHandle, namespace: readonly string[], signal: AbortSignal): Promise<string> {
  const { items, nextCursor } = await handle.list({ namespace, limit: shownMemories, signal });
  const more =
    nextCursor === undefined ? '' : `\nThese are the newest ${items.length}; list_memories gives the others.`;
  return items.length === 0 ? '' : `${fenced(items, '')}${more}`;
}

async function one(handle: MemoryHandle, id: string | undefined, signal: AbortSignal) {
  const memory = id === undefined ? undefined : await handle.get(id, { signal });
  return memory === undefined ? [] : [memory];
}

function uriIn(cursor: string): string {
  const uri = Buffer.from(cursor, 'base64url').toString();
  if (labelsOf(uri) !== undefined) return uri;
  throw new McpError(ErrorCode.InvalidParams, 'The cursor is none that this server gave.');
}
