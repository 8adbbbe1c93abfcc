import { defined } from '../../domain/defined';
import {
  type MemoryHandle,
  type NewMemory,
  type PromptContextOptions,
  type RecallOptions,
  toContext,
} from '../../index';
import { checkHandle, checkOptions, checkSpread } from './input-checks';

/** Options of `memoryMiddleware`. */
export interface TurnMemoryOptions<Turn> {
  /** Which memories to search before a turn, and how. */
  recall?: Omit<RecallOptions, 'signal' | 'vector'>;
  /** The longest block of memories that is added to the prompt, in tokens. Default: 1,000. */
  maxTokens?: number;
  /** Counts the tokens of a text as the model does. Default: see `PromptContextOptions`. */
  countTokens?: PromptContextOptions['countTokens'];
  /**
   * Returns the memories to store after a turn; `false` stores nothing. Default: one memory that holds the user's message and the
   * final answer.
   */
  remember?: false | ((turn: Turn) => readonly NewMemory[] | Promise<readonly NewMemory[]>);
  /**
   * Called when a recall or a write fails. The turn then continues without it. Default: the error ends the call, because an agent
   * that silently forgets is worse than one that fails.
   */
  onError?: (error: unknown, during: 'recall' | 'remember') => void;
}

const optionNames = ['recall', 'maxTokens', 'countTokens', 'remember', 'onError'];
const defaultMaxTokens = 1_000;

/** Recalls before a turn of a conversation and stores after it, as the options of a memory middleware say. */
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

  /** The memories that match the query, as a block for the prompt; '' if there are none or the query is blank. */
  async recallBlock(query: string, signal: AbortSignal | undefined): Promise<string> {
    // A message of images or files only has no text to search with.
    if (query.trim() === '') return '';
    const { recall, maxTokens = defaultMaxTokens, countTokens } = this.#options;
    const block = await this.#attempt('recall', async () => {
      const hits = await this.#handle.recall(query, { ...recall, ...defined({ signal }) });
      return toContext(hits, { maxTokens, ...defined({ countTokens }) }).text;
    });
    return block ?? '';
  }

  /** Stores the memories of a turn, all or none. `defaults` fills fields that they do not set. */
  async storeTurn(
    turn: Turn,
    signal: AbortSignal | undefined,
    defaults: Pick<NewMemory, 'sessionId'> = {},
  ): Promise<void> {
    const { remember = this.#defaultMemories } = this.#options;
    if (remember === false) return;
    await this.#attempt('remember', async () => {
      const memories = (await remember(turn)).map((memory) => ({ ...defaults, ...memory }));
      if (memories.length === 0) return;
      await this.#handle.rememberMany(memories, { atomic: true, ...defined({ signal }) });
    });
  }

  async #attempt<T>(during: 'recall' | 'remember', call: () => Promise<T>): Promise<T | undefined> {
    const { onError } = this.#options;
    try {
      return await call();
    } catch (error) {
      if (onError === undefined) throw error;
      onError(error, during);
      return undefined;
    }
  }
}

/** One text for a turn, so that a search for the question or for the answer finds both. '' if both are empty. */
export function turnText(question: string, answer: string): string {
  const lines = [question && `User: ${question}`, answer && `Agent: ${answer}`];
  return lines.filter((line) => line !== '').join('\n');
}
