import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';
import type { Hit } from 'multi-agent-memory';
import {
  MemoryHandleChatHistory,
  MemoryHandleRetriever,
  MemoryHandleVectorStore,
  memoryMiddleware,
  recallTool,
} from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import type { Reader } from '../adapter';
import { numbersIn, query, sessionId, unlimited } from '../adapter-fixtures';

const limit = 1_000;

const numbers = (values: readonly { number?: unknown }[]) => values.map(({ number }) => number as number);

/** Every way that returns all readable memories. */
export const readers: readonly Reader[] = [
  {
    name: 'store.search',
    read: async (handle) =>
      numbers((await new MemoryHandleStore(handle).search([], { limit })).map(({ value }) => value)),
  },
  {
    name: 'store.search with a query',
    read: async (handle) =>
      numbers((await new MemoryHandleStore(handle).search([], { limit, query })).map(({ value }) => value)),
  },
  {
    name: 'store.search with filters',
    read: async (handle) => {
      const store = new MemoryHandleStore(handle);
      const found = await Promise.all(
        [true, { $ne: true }].map((odd) => store.search([], { limit, query, filter: { odd } })),
      );
      return numbers(found.flat().map(({ value }) => value));
    },
  },
  {
    name: 'store.listNamespaces and search of each',
    read: async (handle) => {
      const store = new MemoryHandleStore(handle);
      const found: number[] = [];
      for (const namespace of await store.listNamespaces({ limit })) {
        // LangGraph cannot name some labels, so their namespaces are searched from the root.
        const here = (await store.search([], { limit })).filter(
          (item) => JSON.stringify(item.namespace) === JSON.stringify(namespace),
        );
        found.push(...numbers(here.map(({ value }) => value)));
      }
      return found;
    },
  },
  {
    name: 'retriever',
    read: async (handle) =>
      numbers(
        (await new MemoryHandleRetriever({ handle, recall: unlimited }).invoke(query)).map((each) => each.metadata),
      ),
  },
  {
    name: 'similaritySearch',
    read: async (handle) =>
      numbers((await new MemoryHandleVectorStore(handle).similaritySearch(query, limit)).map((each) => each.metadata)),
  },
  {
    name: 'maxMarginalRelevanceSearch',
    read: async (handle) => {
      const vectors = new MemoryHandleVectorStore(handle);
      const found = await vectors.maxMarginalRelevanceSearch(query, { k: limit, fetchK: limit });
      return numbers(found.map((each) => each.metadata));
    },
  },
  {
    name: 'chat history',
    read: async (handle) => {
      const messages = await new MemoryHandleChatHistory(handle, { sessionId }).getMessages();
      return messages.flatMap(({ text }) => numbersIn(text));
    },
  },
  {
    name: 'recall tool',
    read: async (handle) => {
      const tool = recallTool(handle, { recall: unlimited, maxTokens: 1e9 });
      const { artifact } = await tool.invoke({ type: 'tool_call', id: 't', name: 'recall', args: { query } } as never);
      return numbers((artifact as Hit[]).map(({ metadata }) => metadata));
    },
  },
  {
    name: 'middleware',
    read: async (handle) => {
      const model = fakeModel().respond(new AIMessage('ok'));
      const memory = memoryMiddleware(handle, { recall: unlimited, maxTokens: 1e9, remember: false });
      await createAgent({ model, middleware: [memory] }).invoke({ messages: query });
      return numbersIn(model.calls[0]?.messages[0]?.text ?? '');
    },
  },
];
