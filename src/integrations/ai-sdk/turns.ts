import type { NewMemory } from '../../index';
import type { ContentPart, PromptMessage } from './model-types';
import { written } from './written';

/** One turn: what a user said, and what came of it. */
export interface Turn {
  /** From the user's last message on, with the calls of tools and their results. */
  readonly messages: readonly PromptMessage[];
  /** What the model answered at last. */
  readonly answer: readonly ContentPart[];
}

// A model that calls a tool has not answered yet; what a filter or a failure cut off is no answer.
const withoutAnswer: ReadonlySet<string> = new Set(['tool-calls', 'content-filter', 'error']);

/** Whether a model that ended for this reason has answered. */
export function isAnswer(finishReason: string): boolean {
  return !withoutAnswer.has(finishReason);
}

/** The number of the user's last message; -1 where there is none. */
export function lastAsked(prompt: readonly PromptMessage[]): number {
  return prompt.findLastIndex(({ role }) => role === 'user');
}

/** Question and answer as one memory, so that a search finds one with the other. */
export function memoriesOf({ messages: [asked], answer }: Turn): NewMemory[] {
  const [question, answered] = [written(asked?.content ?? ''), written(answer)];
  const lines = [question && `User: ${question}`, answered && `Agent: ${answered}`].filter((line) => line !== '');
  return lines.length === 0 ? [] : [{ text: lines.join('\n'), source: { channel: 'user' } }];
}
