export { type MemoryMiddleware, type MemoryMiddlewareOptions, memoryMiddleware } from './memory-middleware';
export type { ContentPart, ModelCall, ModelResult, ModelStream, PromptMessage, StreamPart } from './model-types';
export {
  forgetTool,
  type MemoryTool,
  memoryTools,
  type RecallToolOptions,
  type RememberToolOptions,
  recallTool,
  rememberTool,
} from './tools';
export type { Turn } from './turns';
