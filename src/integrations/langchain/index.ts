export { MemoryHandleChatHistory, MessageRefusedError } from './chat-history';
export { type MemoryMiddlewareOptions, memoryMiddleware } from './memory-middleware';
export { MemoryHandleRetriever, type MemoryHandleRetrieverFields } from './retriever';
export { memoryTools, type RecallToolOptions, type RememberToolOptions, recallTool, rememberTool } from './tools';
export type { Turn } from './turns';
export { MemoryHandleVectorStore, type MemoryHandleVectorStoreOptions } from './vector-store';
