import type { MemoryHandle } from 'multi-agent-memory';
import { MemoryHandleVectorStore, rememberTool } from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import type { Writer } from '../adapter';
import { isAllowed } from '../call-outcome';

let puts = 0;

/** Every way in which LangGraph and LangChain write. */
export const writers: readonly Writer[] = [
  {
    name: 'store.put',
    keyed: true,
    canName: (namespace) => namespace.length > 0,
    write: (handle, namespace) =>
      isAllowed(() => new MemoryHandleStore(handle).put([...namespace], `new ${puts++}`, { new: true })),
  },
  {
    name: 'remember tool',
    keyed: false,
    canName: () => true,
    write: (handle, namespace) => isAllowed(() => rememberTool(handle.within({ namespace })).invoke({ text: 'noted' })),
  },
];

/** Forgets with the vector store, which ignores ids that do not exist. */
export function forget(handle: MemoryHandle, id: string): Promise<boolean> {
  return isAllowed(() => new MemoryHandleVectorStore(handle).delete({ ids: [id] }));
}
