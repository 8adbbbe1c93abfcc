import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';
import type { MemoryHandle, Namespace } from 'multi-agent-memory';
import {
  MemoryHandleChatHistory,
  MemoryHandleRetriever,
  MemoryHandleVectorStore,
  memoryMiddleware,
  recallTool,
  rememberTool,
} from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import type { Look, SeenDeed } from '../../../worlds/deeds';
import { pick, type Stage } from '../../../worlds/stage';
import { told } from '../told';
import { message } from '../written';

/** One look through a store and a tool. */
export async function look(handle: MemoryHandle, { query, limit }: Look): Promise<string[]> {
  const store = new MemoryHandleStore(handle);
  const tool = recallTool(handle, { recall: { topK: limit } });
  return [
    await told(() => store.search(['open'], { query, limit })),
    await told(() => store.search([], { filter: { colour: { $ne: 'red' } }, limit, offset: 1 })),
    await told(() => store.listNamespaces({ maxDepth: 2 })),
    await told(() => tool.invoke({ type: 'tool_call', id: 't', name: 'recall', args: { query } } as never)),
  ];
}

/** Tries what must be refused, whether or not there is anything to be refused. */
export async function attempt({ reader, seen }: Stage, closed: Namespace, deed: SeenDeed): Promise<string[]> {
  const { target, text } = deed;
  const store = new MemoryHandleStore(reader);
  const vectors = new MemoryHandleVectorStore(reader.within({ namespace: ['open'] }));
  return [
    await told(() => store.put([...closed], 'k1', { text })),
    await told(() => store.get([...closed], 'k1')),
    await told(() => store.delete([...closed], 'k1')),
    await told(() => store.delete(['open'], 'k2')),
    await told(() => vectors.delete({ ids: [`hidden-${target % 6}`, pick(seen, target)] })),
    await told(() => vectors.addDocuments([{ pageContent: text, metadata: message, id: 'langgraph:k1' }])),
    await told(() => rememberTool(reader.within({ namespace: [...closed] })).invoke({ text })),
  ];
}

/** Everything that a reader can learn at the end. */
export async function everything(handle: MemoryHandle): Promise<string[]> {
  const store = new MemoryHandleStore(handle);
  const model = fakeModel().respond(new AIMessage('ok'));
  const memory = memoryMiddleware(handle, { recall: { topK: 50 }, remember: false });
  return [
    await told(() => store.search([], { limit: 100 })),
    await told(() => store.search([], { query: 'apple banana', limit: 100 })),
    await told(() => store.listNamespaces()),
    await told(() => store.get(['open', 'eu'], 'k1')),
    await told(() => new MemoryHandleRetriever({ handle, recall: { topK: 3 } }).invoke('cherry')),
    await told(() => new MemoryHandleVectorStore(handle).similaritySearchWithScore('damson apple', 50)),
    await told(() => new MemoryHandleChatHistory(handle, { sessionId: 's1' }).getMessages()),
    await told(async () => {
      await createAgent({ model, middleware: [memory] }).invoke({ messages: 'apple' });
      return model.calls[0]?.messages.map(({ text }) => text);
    }),
    await told(() => new MemoryHandleChatHistory(handle, { sessionId: 's1' }).clear()),
  ];
}
