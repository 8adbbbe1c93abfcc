import type { MemoryHandle } from 'multi-agent-memory';
import { MemoryHandleVectorStore, rememberTool } from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import type { Write } from '../adapter';
import { isAllowed } from '../told';

let puts = 0;

/** How LangGraph and LangChain write. */
export const writes: readonly Write[] = [
  {
    name: 'store.put',
    keyed: true,
    names: (namespace) => namespace.length > 0 && !namespace.some((label) => label.includes('\0')),
    write: (handle, namespace) =>
      isAllowed(() => new MemoryHandleStore(handle).put([...namespace], `new ${puts++}`, { new: true })),
  },
  {
    name: 'remember tool',
    keyed: false,
    names: () => true,
    write: (handle, namespace) => isAllowed(() => rememberTool(handle.within({ namespace })).invoke({ text: 'noted' })),
  },
];

/** Forgets as the vector store does: what is not there is no failure. */
export function forget(handle: MemoryHandle, id: string): Promise<boolean> {
  return isAllowed(() => new MemoryHandleVectorStore(handle).delete({ ids: [id] }));
}
