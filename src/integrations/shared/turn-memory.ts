import { defined } from '../../domain/defined';
import {
  type MemoryHandle,
  type NewMemory,
  type PromptContextOptions,
  type RecallOptions,
  toContext,
} from '../../index';
import { checkHandle, checkOptions, checkSpread, invalidInput } from './input-checks';
import { defaultTopK, recallThatFits } from './recall-that-fits';

/** The memories that the function `remember` returns. A function without `return` stores nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without `return` has this type.
export type TurnMemories = readonly NewMemory[] | null | undefined | void;

/** Options of `memoryMiddleware`. */
export interface TurnMemoryOptions<Turn> {
  /** Options for the `recall` before each turn. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /** The maximum length, in tokens, of the block of memories that is added to the prompt. Default: 1,000. */
  maxTokens?: number;
  /** Counts the tokens in a text as your model does. Default: see `PromptContextOptions`. */
  countTokens?: PromptContextOptions['countTokens'];
  /**
   * Returns the memories to store after a turn. If it returns an empty list, `undefined` or `null`, nothing is stored. Set the option to
   * `false` to never store anything. Default: stores one memory with the user's message and the final answer.
   */
  remember?: false | ((turn: Turn) => TurnMemories | Promise<TurnMemories>);
  /**
   * Is called when a recall or a write fails. The turn then continues without the memories or the write. If it returns a promise, the
   * promise is awaited. If it throws, the call ends with this error. Default: the failure ends the call, because an agent that silently
   * forgets is worse than an agent that fails.
   */
  onError?: (error: unknown, during: 'recall' | 'remember') => unknown;
}

const optionNames = ['recall', 'maxTokens', 'countTokens', 'remember', 'onError'];
const defaultMaxTokens = 1_000;

/** Recalls memories before each turn of a conversation and stores memories after it, with the options of a memory middleware. */
export class TurnMemory<Turn> {
  readonly #handle: MemoryHandle;
  readonly #options: TurnMemoryOptions<Turn>;
  readonly #defaultMemories: (turn: Turn) => readonly NewMemory[];

  /** @throws INVALID_INPUT for a value that is not a handle, and for unknown options */
  constructor(
    handle: MemoryHandle,
    options: TurnMemoryOptions<Turn>,
    defaultMemories: (turn: Turn) => readonly NewMemory[],
  ) {
    checkHandle(handle);
    checkOptions(options, optionNames);
    checkSpread(options.recall, 'recall');
    this.#handle = handle;
    this.#options = options;
    this.#defaultMemories = defaultMemories;
  }

  /** Recalls the memories that match a query, and formats them for the prompt. Returns '' if none match or the query is blank. */
  async recallBlock(query: string, signal: AbortSignal | undefined): Promise<string> {
    // A message that contains only images or files has no text to search with.
    if (query.trim() === '') return '';
    const { recall, maxTokens = defaultMaxTokens, countTokens } = this.#options;
    const block = await this.#attempt('recall', async () => {
      const { topK = defaultTopK } = recall ?? {};
      const options = { ...recall, topK, ...defined({ signal }) };
      const { hits } = await recallThatFits(this.#handle, query, options);
      return toContext(hits, { maxTokens, ...defined({ countTokens }) }).text;
    });
    return block ?? '';
  }

  /** Stores the memories of a turn, all or none. `defaults` has values for fields that the memories do not set. */
  async storeTurn(
    turn: Turn,
    signal: AbortSignal | undefined,
    defaults: Pick<NewMemory, 'sessionId'> = {},
  ): Promise<void> {
    const { remember = this.#defaultMemories } = this.#options;
    if (remember === false) return;
    await this.#attempt('remember', async () => {
      const memories = checkedMemories(await remember(turn));
      if (memories.length === 0) return;
      const completed = memories.map((memory) => ({ ...defaults, ...memory }));
      await this.#handle.rememberMany(completed, { atomic: true, ...defined({ signal }) });
    });
  }

  async #attempt<T>(during: 'recall' | 'remember', call: () => Promise<T>): Promise<T | undefined> {
    const { onError } = this.#options;
    try {
      return await call();
    } catch (error) {
      if (onError === undefined) throw error;
      await onError(error, during);
      return undefined;
    }
  }
}

/** @throws INVALID_INPUT if the function `remember` returned something other than a list of objects or nothing */
function checkedMemories(returned: TurnMemories): readonly NewMemory[] {
  if (returned === undefined || returned === null) return [];
  if (Array.isArray(returned) && returned.every((each) => typeof each === 'object')) return returned;
  const message = 'expected it to return a list of memories, such as [{ text }], or nothing.';
  throw invalidInput('options', [{ path: ['remember'], message }]);
}

/** Joins the question and the answer of a turn, so that a search for one finds both. Returns '' if both are empty. */
export function turnText(question: string, answer: string): string {
  const lines = [question && `User: ${question}`, answer && `Agent: ${answer}`];
  return lines.filter((line) => line !== '').join('\n');
}
