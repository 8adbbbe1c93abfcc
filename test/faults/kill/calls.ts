/** What is written: every one carries a word that no other has, so that it can be counted. */
export interface Content {
  readonly token: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly metadata: { readonly token: string };
}

/** One call of the writer, in its lane: the part of the store where it alone writes, one group of calls after the other. */
export type Call = { readonly lane: number } & (
  | {
      readonly type: 'remember';
      readonly content: Content;
      readonly key?: string;
      readonly idempotencyKey?: string;
      readonly supersedes?: string;
    }
  | { readonly type: 'each' | 'atomic'; readonly contents: readonly Content[] }
  | { readonly type: 'update'; readonly id: string; readonly content: Content }
  | { readonly type: 'forget'; readonly id: string }
  | { readonly type: 'forgetWhere'; readonly tag: string; readonly ids: readonly string[] }
);

export interface Remembered {
  readonly id: string;
  readonly revision: number;
  readonly outcome: 'stored' | 'revised' | 'duplicate';
}

/** What the store answered: what became of each content, or which ids were forgotten. */
export interface Answer {
  readonly remembered?: readonly Remembered[];
  readonly forgotten?: readonly string[];
}

/** A line of the writer: what it is about to ask for, and what was acknowledged. */
export type Line =
  | { readonly say: 'opening' | 'open' }
  | { readonly say: 'intent'; readonly number: number; readonly call: Call }
  | { readonly say: 'ack'; readonly number: number; readonly answer: Answer }
  | { readonly say: 'refused'; readonly number: number; readonly error: string };

/** What the writer is asked to do. */
export interface WriterTask {
  readonly folder: string;
  readonly seed: number;
  readonly cycle: number;
  readonly exactUpTo: number;
  /** How many writes it makes before it ends the process, without a close. Absent: it goes on until it is killed. */
  readonly exitAfter?: number;
}

export const lanes = 8;
/** In every text, so that one question finds them all. */
export const commonWord = 'lantern';

export function namespaceOf(lane: number): string[] {
  return ['kill', `lane-${lane}`];
}

export function agentOf(lane: number): { agentId: string } {
  return { agentId: `agent-${lane}` };
}

/** The options of `remember` that make that content. */
export function fieldsOf({ tags, priority, metadata }: Content) {
  return { tags, priority, metadata };
}
