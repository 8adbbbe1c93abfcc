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
import { hiddenId } from '../../../worlds/ids';
import { pick, type Stage } from '../../../worlds/stage';
import { messageMetadata } from '../adapter-fixtures';
import { outcomeOf } from '../call-outcome';

/** Searches with a store and with a tool. */
export async function look(handle: MemoryHandle, { query, limit }: Look): Promise<string[]> {
  const store = new MemoryHandleStore(handle);
  const tool = recallTool(handle, { recall: { topK: limit } });
  return [
    await outcomeOf(() => store.search(['open'], { query, limit })),
    await outcomeOf(() => store.search([], { filter: { colour: { $ne: 'red' } }, limit, offset: 1 })),
    await outcomeOf(() => store.listNamespaces({ maxDepth: 2 })),
    await outcomeOf(() => tool.invoke({ type: 'tool_call', id: 't', name: 'recall', args: { query } } as never)),
  ];
}

/** Tries calls that must fail. */
export async function attempt({ reader, seen }: Stage, closed: Namespace, deed: SeenDeed): Promise<string[]> {
  const { target, text } = deed;
  const store = new MemoryHandleStore(reader);
  const vectors = new MemoryHandleVectorStore(reader.within({ namespace: ['open'] }));
  return [
    await outcomeOf(() => store.put([...closed], 'k1', { text })),
    await outcomeOf(() => store.get([...closed], 'k1')),
    await outcomeOf(() => store.delete([...closed], 'k1')),
    await outcomeOf(() => store.delete(['open'], 'k2')),
    await outcomeOf(() => vectors.delete({ ids: [hiddenId(target % 6), pick(seen, target)] })),
    await outcomeOf(() => vectors.addDocuments([{ pageContent: text, metadata: messageMetadata, id: 'langgraph:k1' }])),
    await outcomeOf(() => rememberTool(reader.within({ namespace: [...closed] })).invoke({ text })),
  ];
}

/** Everything that a reader can find out at the end. */
export async function everything(handle: MemoryHandle): Promise<string[]> {
  const store = new MemoryHandleStore(handle);
  const model = fakeModel().respond(new AIMessage('ok'));
  const memory = memoryMiddleware(handle, { recall: { topK: 50 }, remember: false });
  return [
    await outcomeOf(() => store.search([], { limit: 100 })),
    await outcomeOf(() => store.search([], { query: 'apple banana', limit: 100 })),
    await outcomeOf(() => store.listNamespaces()),
    await outcomeOf(() => store.get(['open', 'eu'], 'k1')),
    await outcomeOf(() => new MemoryHandleRetriever({ handle, recall: { topK: 3 } }).invoke('cherry')),
    await outcomeOf(() => new MemoryHandleVectorStore(handle).similaritySearchWithScore('damson apple', 50)),
    await outcomeOf(() => new MemoryHandleVectorStore(handle).maxMarginalRelevanceSearch('apple', { k: 3 })),
    await outcomeOf(() => new MemoryHandleChatHistory(handle, { sessionId: 's1' }).getMessages()),
    await outcomeOf(async () => {
      await createAgent({ model, middleware: [memory] }).invoke({ messages: 'apple' });
      return model.calls[0]?.messages.map(({ text }) => text);
    }),
    await outcomeOf(() => new MemoryHandleChatHistory(handle, { sessionId: 's1' }).clear()),
  ];
}
