export type { RecallToolOptions, RememberToolOptions } from '../shared/memory-tools';
export { MemoryHandleChatHistory, MessageRefusedError } from './chat-history';
export { type MemoryMiddlewareOptions, memoryMiddleware } from './langchain-middleware';
export { memoryTools, recallTool, rememberTool } from './langchain-tools';
export type { Turn } from './langchain-turn';
export { MemoryHandleRetriever, type MemoryHandleRetrieverFields } from './retriever';
export { MemoryHandleVectorStore, type MemoryHandleVectorStoreOptions } from './vector-store';
