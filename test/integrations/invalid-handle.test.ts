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

test('a value that is not a handle, such as a store, is rejected with an issue whose path is `handle`', async () => {
  for (const value of [await openInMemory(), undefined, {}]) {
    const invalid = value as never;
    for (const make of [
      () => new MemoryHandleStore(invalid),
      () => new MemoryHandleChatHistory(invalid, { sessionId: 's' }),
      () => new MemoryHandleRetriever({ handle: invalid }),
      () => new MemoryHandleVectorStore(invalid),
      () => memoryMiddleware(invalid),
      () => memoryTools(invalid),
      () => recallTool(invalid),
    ]) {
      expect(await issuePaths(make)).toEqual(['handle']);
    }
  }
});
