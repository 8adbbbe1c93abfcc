export type { RecallToolOptions, RememberToolOptions } from '../shared/memory-tools';
export { type MemoryMiddleware, type MemoryMiddlewareOptions, memoryMiddleware } from './ai-sdk-middleware';
export { forgetTool, type MemoryTool, memoryTools, recallTool, rememberTool } from './ai-sdk-tools';
export type { Turn } from './ai-sdk-turn';
export type { ContentPart, ModelCall, ModelResult, ModelStream, PromptMessage, StreamPart } from './language-model';
