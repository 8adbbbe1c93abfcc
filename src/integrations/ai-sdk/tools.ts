import { z } from 'zod';
import { type ContextOptions, type MemoryHandle, type NewMemory, type RecallOptions, toContext } from '../../index';
import { checkHandle, checkOptions } from './ai-sdk-checks';

/** A tool of `ai` 6 and 7. What it throws, the SDK tells the model. */
export interface MemoryTool<I> {
  readonly description: string;
  readonly inputSchema: z.ZodType<I>;
  execute(input: I, options: { abortSignal?: AbortSignal | undefined }): Promise<string>;
}

/** What `rememberTool` takes beside its handle. */
export interface RememberToolOptions {
  /** What every memory is stored with, beside its text. */
  memory?: Omit<NewMemory, 'text' | 'key' | 'idempotencyKey' | 'vector'>;
}

/** What `recallTool` takes beside its handle. */
export interface RecallToolOptions {
  /** Among what is searched, and how. `topK` is the most that the model may ask for. Default: 10. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /** The budget of an answer. Default: 1,000 tokens. */
  maxTokens?: number;
  /** See `toContext`. */
  countTokens?: ContextOptions['countTokens'];
}

const defaultTopK = 10;
const defaultMaxTokens = 1_000;
const text = z.string().min(1).describe('One fact, in a sentence that can be understood by itself.');
const query = z.string().min(1).describe('What to look for, as a question or as key words.');
const id = z.string().min(1).describe('The id of the memory, as recall shows it.');

/**
 * A tool with which a model stores a fact. Who writes, and where, is fixed by the handle: the model gives the text and nothing
 * else, and arguments beside it are refused by the SDK.
 */
export function rememberTool(handle: MemoryHandle, options: RememberToolOptions = {}): MemoryTool<{ text: string }> {
  checkHandle(handle);
  checkOptions(options, ['memory']);
  const { memory = {} } = options;
  return {
    description: 'Stores one fact in long-term memory, for later conversations and for other agents.',
    inputSchema: z.strictObject({ text }),
    execute: async (given, { abortSignal }) => {
      await handle.remember(given.text, { ...memory, ...signalOf(abortSignal) });
      return 'Remembered.';
    },
  };
}

/** A tool with which a model searches what the handle's principal may read: memories fenced as data (see `toContext`). */
export function recallTool(
  handle: MemoryHandle,
  options: RecallToolOptions = {},
): MemoryTool<{ query: string; limit?: number }> {
  checkHandle(handle);
  checkOptions(options, ['recall', 'maxTokens', 'countTokens']);
  const { recall = {}, maxTokens = defaultMaxTokens, countTokens } = options;
  const most = recall.topK ?? defaultTopK;
  const limit = z.exactOptional(z.int().min(1).max(most).describe('How many memories at most.'));
  return {
    description: 'Searches long-term memory: what was told in earlier conversations, and what other agents learned.',
    inputSchema: z.strictObject({ query, limit }),
    execute: async (given, { abortSignal }) => {
      const hits = await handle.recall(given.query, { ...recall, topK: given.limit ?? most, ...signalOf(abortSignal) });
      const { text: block } = toContext(hits, { maxTokens, ...(countTokens ? { countTokens } : {}) });
      return block || nothingOf(hits.length);
    },
  };
}

/** A tool with which a model forgets a memory for good. No part of `memoryTools`: give it to a model on purpose. */
export function forgetTool(handle: MemoryHandle): MemoryTool<{ id: string }> {
  checkHandle(handle);
  return {
    description: 'Forgets one memory for good, by its id.',
    inputSchema: z.strictObject({ id }),
    execute: async (given, { abortSignal }) =>
      (await handle.forget(given.id, signalOf(abortSignal))) ? 'Forgotten.' : 'There is no such memory.',
  };
}

/** What a model needs to remember and recall: `generateText({ model, tools: memoryTools(handle) })`. */
export function memoryTools(handle: MemoryHandle, options: RememberToolOptions & RecallToolOptions = {}) {
  const { memory, ...recall } = options;
  return {
    remember: rememberTool(handle, memory === undefined ? {} : { memory }),
    recall: recallTool(handle, recall),
  };
}

function nothingOf(hits: number): string {
  return hits === 0 ? 'Nothing is remembered about that.' : 'What is remembered about that is too long to be shown.';
}

function signalOf(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
