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
import { valueFromModel } from './model-arguments';
import { defaultTopK, recallThatFits } from './recall-that-fits';

/** Options of `rememberTool`. */
export interface RememberToolOptions {
  /** Fields for every memory that the tool stores. The model sets only the text. */
  memory?: Omit<NewMemory, 'text' | 'key' | 'idempotencyKey' | 'vector'>;
}

/** Options of `recallTool`. */
export interface RecallToolOptions {
  /** Options for `recall`. The model cannot ask for more hits than `topK`. Default of `topK`: 10. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /** The maximum length of the result, in tokens. Default: 1,000. */
  maxTokens?: number;
  /** Counts the tokens in a text as your model does. Default: see `PromptContextOptions`. */
  countTokens?: PromptContextOptions['countTokens'];
}

/** A tool for a model. It does not depend on the framework that calls it. */
interface MemoryToolDefinition<Schema extends z.ZodObject, Result> {
  readonly name: string;
  readonly description: string;
  readonly schema: Schema;
  run(input: z.input<Schema>, signal: AbortSignal | undefined): Promise<Result>;
}

const defaultMaxTokens = 1_000;

// The schemas use only features that the strictest providers accept: every argument is required, and none has `minLength`.
const filledText = z.string().refine((text) => text !== '', { error: 'expected a text that is not empty.' });
const rememberSchema = z.strictObject({
  text: filledText.describe('One fact, written as a sentence that is clear without any context.'),
});
const forgetSchema = z.strictObject({
  id: filledText.describe('The id of the memory, as the recall tool shows it.'),
});

const queryArgument = filledText.describe('What to search for: a question, or key words.');

/**
 * Makes the schemas for a limit. Models send a number, a number as text, or `null`. `given` accepts every value, and its `meta` is the JSON
 * schema that models see.
 */
function limitArgument(max: number) {
  const description = `Maximum number of memories. Usually ${max}.`;
  const given = z.any().meta({ type: 'integer', minimum: 1, maximum: max, description });
  const checked = z.int().min(1).max(max);
  const convert = (value: unknown) => ((value ?? null) === null ? max : valueFromModel(checked, value));
  return { given, convert, checked };
}

// LangChain makes the JSON schema from the first step of `limit`. The default for an absent limit (`prefault`) does not appear in it.
function recallSchema(maxLimit: number) {
  const { given, convert, checked } = limitArgument(maxLimit);
  return z.strictObject({ query: queryArgument, limit: given.prefault(null).transform(convert).pipe(checked) });
}

/**
 * Makes the schema of the recall tool for the AI SDK. The AI SDK would make an argument with a default optional. Therefore an absent limit
 * is set to `null` before the schema is applied.
 */
export function recallSchemaOfAiSdk({ recall = {} }: RecallToolOptions): z.ZodType<z.output<RecallSchema>> {
  const { given, convert, checked } = limitArgument(recall.topK ?? defaultTopK);
  const schema = z.strictObject({ query: queryArgument, limit: given.transform(convert).pipe(checked) });
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  return z.preprocess((value) => (isObject(value) ? { limit: null, ...(value as object) } : value), schema);
}

type RecallSchema = ReturnType<typeof recallSchema>;

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

/** Searches the memories that the handle's principal may read. `toContext` marks the text of the result as data. */
export function recallDefinition(
  handle: MemoryHandle,
  options: RecallToolOptions,
): MemoryToolDefinition<RecallSchema, { text: string; hits: Hit[] }> {
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
      const { hits } = await recallThatFits(handle, query, { ...recall, topK: limit, ...defined({ signal }) });
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
