import { tool } from '@langchain/core/tools';
import { z } from 'zod';
import { type ContextOptions, type MemoryHandle, type NewMemory, type RecallOptions, toContext } from '../../index';
import { checkHandle, checkOptions } from './langchain-checks';

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
const remembered = z.strictObject({ text });

/**
 * A tool `remember`, with which a model stores a fact. Who writes, and where, is fixed by the handle: the model gives the text
 * and nothing else, and arguments beside it are refused by LangChain.
 */
export function rememberTool(handle: MemoryHandle, options: RememberToolOptions = {}) {
  checkHandle(handle);
  checkOptions(options, ['memory']);
  const { memory = {} } = options;
  return tool(
    async (given: z.output<typeof remembered>, config) => {
      const { outcome } = await handle.remember(given.text, { ...memory, ...signalOf(config) });
      return outcome === 'duplicate' ? 'It was remembered before.' : 'Remembered.';
    },
    {
      name: 'remember',
      description: 'Stores one fact in long-term memory, for later conversations and for other agents.',
      schema: remembered,
    },
  );
}

/**
 * A tool `recall`, with which a model searches what the handle's principal may read. It answers with the memories fenced as data
 * (see `toContext`), and has the hits as its artifact.
 */
export function recallTool(handle: MemoryHandle, options: RecallToolOptions = {}) {
  checkHandle(handle);
  checkOptions(options, ['recall', 'maxTokens', 'countTokens']);
  const { recall = {}, maxTokens = defaultMaxTokens, countTokens } = options;
  const most = recall.topK ?? defaultTopK;
  const limit = z.int().min(1).max(most).optional().describe('How many memories at most.');
  const schema = z.strictObject({ query, limit });
  return tool(
    async (given: z.output<typeof schema>, config) => {
      const hits = await handle.recall(given.query, { ...recall, topK: given.limit ?? most, ...signalOf(config) });
      const { text: block, used } = toContext(hits, { maxTokens, ...(countTokens ? { countTokens } : {}) });
      return [block || nothingOf(hits.length), used] as const;
    },
    {
      name: 'recall',
      description: 'Searches long-term memory: what was told in earlier conversations, and what other agents learned.',
      schema,
      responseFormat: 'content_and_artifact',
    },
  );
}

/** Both tools of one handle: `createAgent({ tools: [...memoryTools(handle)] })`. */
export function memoryTools(handle: MemoryHandle, options: RememberToolOptions & RecallToolOptions = {}) {
  const { memory, ...recall } = options;
  return [rememberTool(handle, memory === undefined ? {} : { memory }), recallTool(handle, recall)] as const;
}

function nothingOf(hits: number): string {
  return hits === 0 ? 'Nothing is remembered about that.' : 'What is remembered about that is too long to be shown.';
}

function signalOf(config: { signal?: AbortSignal } | undefined): { signal?: AbortSignal } {
  return config?.signal === undefined ? {} : { signal: config.signal };
}
