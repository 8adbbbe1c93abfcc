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
import type { Way } from '../adapter';
import { everything, numbersIn, query, session } from '../written';

const limit = 1_000;

const numbers = (values: readonly { number?: unknown }[]) => values.map(({ number }) => number as number);

/** Every way that shows everything. */
export const ways: readonly Way[] = [
  {
    name: 'store.search',
    see: async (handle) =>
      numbers((await new MemoryHandleStore(handle).search([], { limit })).map(({ value }) => value)),
  },
  {
    name: 'store.search with a query',
    see: async (handle) =>
      numbers((await new MemoryHandleStore(handle).search([], { limit, query })).map(({ value }) => value)),
  },
  {
    name: 'store.search with filters',
    see: async (handle) => {
      const store = new MemoryHandleStore(handle);
      const found = await Promise.all(
        [true, { $ne: true }].map((odd) => store.search([], { limit, query, filter: { odd } })),
      );
      return numbers(found.flat().map(({ value }) => value));
    },
  },
  {
    name: 'store.listNamespaces and search of each',
    see: async (handle) => {
      const store = new MemoryHandleStore(handle);
      const found: number[] = [];
      for (const namespace of await store.listNamespaces({ limit })) {
        // Some namespaces have labels that LangGraph cannot name: their parts are searched from above.
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
    see: async (handle) =>
      numbers(
        (await new MemoryHandleRetriever({ handle, recall: everything }).invoke(query)).map((each) => each.metadata),
      ),
  },
  {
    name: 'similaritySearch',
    see: async (handle) =>
      numbers((await new MemoryHandleVectorStore(handle).similaritySearch(query, limit)).map((each) => each.metadata)),
  },
  {
    name: 'chat history',
    see: async (handle) => {
      const messages = await new MemoryHandleChatHistory(handle, { sessionId: session }).getMessages();
      return messages.flatMap(({ text }) => numbersIn(text));
    },
  },
  {
    name: 'recall tool',
    see: async (handle) => {
      const tool = recallTool(handle, { recall: everything, maxTokens: 1e9 });
      const { artifact } = await tool.invoke({ type: 'tool_call', id: 't', name: 'recall', args: { query } } as never);
      return numbers((artifact as Hit[]).map(({ metadata }) => metadata));
    },
  },
  {
    name: 'middleware',
    see: async (handle) => {
      const model = fakeModel().respond(new AIMessage('ok'));
      const memory = memoryMiddleware(handle, { recall: everything, maxTokens: 1e9, remember: false });
      await createAgent({ model, middleware: [memory] }).invoke({ messages: query });
      return numbersIn(model.calls[0]?.messages[0]?.text ?? '');
    },
  },
];
