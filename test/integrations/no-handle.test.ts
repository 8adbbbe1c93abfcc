import {
  MemoryHandleChatHistory,
  MemoryHandleRetriever,
  MemoryHandleVectorStore,
  memoryMiddleware,
  memoryTools,
  recallTool,
} from 'multi-agent-memory/langchain';
import { MemoryHandleStore } from 'multi-agent-memory/langgraph';
import { expect, test } from 'vitest';
import { issuePaths, openInMemory } from '../store/stores';

test('what is no handle is refused by name: a store, above all', async () => {
  for (const given of [await openInMemory(), undefined, {}]) {
    const none = given as never;
    for (const make of [
      () => new MemoryHandleStore(none),
      () => new MemoryHandleChatHistory(none, { sessionId: 's' }),
      () => new MemoryHandleRetriever({ handle: none }),
      () => new MemoryHandleVectorStore(none),
      () => memoryMiddleware(none),
      () => memoryTools(none),
      () => recallTool(none),
    ]) {
      expect(await issuePaths(make)).toEqual(['handle']);
    }
  }
});
