import { MemoryError, type MemoryHandle } from '../../index';

type NamespacesOptions = NonNullable<Parameters<MemoryHandle['namespaces']>[0]>;
type NamespaceCount = Awaited<ReturnType<MemoryHandle['namespaces']>>[number];

const pageSize = 10_000;

/** Lists the namespaces that contain memories, in parts if all of them do not fit into one answer of the store. */
export async function allNamespaces(
  handle: MemoryHandle,
  options: Omit<NamespacesOptions, 'limit' | 'after'> = {},
): Promise<NamespaceCount[]> {
  try {
    return await handle.namespaces(options);
  } catch (error) {
    if (!isTooLong(error)) throw error;
  }
  const all: NamespaceCount[] = [];
  for (;;) {
    const last = all.at(-1);
    const after = last === undefined ? {} : { after: last.namespace };
    const page = await handle.namespaces({ ...options, ...after, limit: pageSize });
    // A page that is shorter than `pageSize` may have been ended by the limit of an answer. Only an empty one is the last.
    if (page.length === 0) return all;
    for (const each of page) all.push(each);
  }
}

function isTooLong(error: unknown): boolean {
  return (
    MemoryError.is(error) && error.code === 'INVALID_INPUT' && error.issues.some(({ path }) => path[0] === 'maxDepth')
  );
}
