import { z } from 'zod';
import { defined } from '../../domain/defined';
import {
  type Hit,
  type MemoryHandle,
  type NewMemory,
  type PromptContextOptions,
  type RecallOptions,
  toContext,
} from '../../index';
import { checkHandle, checkOptions, checkSpread } from './input-checks';

/** Options of `rememberTool`. */
export interface RememberToolOptions {
  /** Fields that every stored memory gets. The model sets only the text. */
  memory?: Omit<NewMemory, 'text' | 'key' | 'idempotencyKey' | 'vector'>;
}

/** Options of `recallTool`. */
export interface RecallToolOptions {
  /** Which memories to search, and how. `topK` is also the highest number that the model may ask for. Default of `topK`: 10. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /** The longest result, in tokens. Default: 1,000. */
  maxTokens?: number;
  /** Counts the tokens of a text as the model does. Default: see `PromptContextOptions`. */
  countTokens?: PromptContextOptions['countTokens'];
}

/** A tool for a model, independent of the framework that calls it. */
interface MemoryToolDefinition<Schema extends z.ZodObject, Result> {
  readonly name: string;
  readonly description: string;
  readonly schema: Schema;
  run(input: z.output<Schema>, signal: AbortSignal | undefined): Promise<Result>;
}

const defaultTopK = 10;
const defaultMaxTokens = 1_000;

const rememberSchema = z.strictObject({
  text: z.string().min(1).describe('One fact, written as a sentence that is clear without any context.'),
});
const forgetSchema = z.strictObject({
  id: z.string().min(1).describe('The id of the memory, as the recall tool shows it.'),
});

function recallSchema(maxLimit: number) {
  return z.strictObject({
    query: z.string().min(1).describe('What to search for: a question, or key words.'),
    limit: z.int().min(1).max(maxLimit).optional().describe(`Maximum number of memories. Default: ${maxLimit}.`),
  });
}

/** Stores one fact through the handle. */
export function rememberDefinition(
  handle: MemoryHandle,
  options: RememberToolOptions,
): MemoryToolDefinition<typeof rememberSchema, string> {
  checkHandle(handle);
  checkOptions(options, ['memory']);
  checkSpread(options.memory, 'memory');
  const { memory = {} } = options;
  return {
    name: 'remember',
    description: 'Stores one fact in long-term memory. Later conversations and other agents can recall it.',
    schema: rememberSchema,
    run: async ({ text }, signal) => {
      await handle.remember(text, { ...memory, ...defined({ signal }) });
      return 'Remembered.';
    },
  };
}

/** Searches the memories that the handle's principal may read. The text of the result is fenced as data by `toContext`. */
export function recallDefinition(
  handle: MemoryHandle,
  options: RecallToolOptions,
): MemoryToolDefinition<ReturnType<typeof recallSchema>, { text: string; hits: Hit[] }> {
  checkHandle(handle);
  checkOptions(options, ['recall', 'maxTokens', 'countTokens']);
  checkSpread(options.recall, 'recall');
  const { recall = {}, maxTokens = defaultMaxTokens, countTokens } = options;
  const maxLimit = recall.topK ?? defaultTopK;
  return {
    name: 'recall',
    description: 'Searches long-term memory, which holds facts from earlier conversations and from other agents.',
    schema: recallSchema(maxLimit),
    run: async ({ query, limit = maxLimit }, signal) => {
      const hits = await handle.recall(query, { ...recall, topK: limit, ...defined({ signal }) });
      const { text, used } = toContext(hits, { maxTokens, ...defined({ countTokens }) });
      return { text: text || emptyResult(hits.length), hits: used };
    },
  };
}

/** Deletes one memory permanently. */
export function forgetDefinition(handle: MemoryHandle): MemoryToolDefinition<typeof forgetSchema, string> {
  checkHandle(handle);
  return {
    name: 'forget',
    description: 'Deletes one memory permanently, by its id.',
    schema: forgetSchema,
    run: async ({ id }, signal) =>
      (await handle.forget(id, defined({ signal }))) ? 'Forgotten.' : 'No memory with this id was found.',
  };
}

function emptyResult(hits: number): string {
  return hits === 0
    ? 'No matching memories were found.'
    : 'Matching memories were found, but they are too long to show.';
}
