/** The content of a write. Each has a unique word, so that a test can count it. */
export interface Content {
  readonly token: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly metadata: { readonly token: string };
}

/** One call of the writer. A lane is a part of the store where its calls run group by group, and nobody else writes. */
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
  readonly outcome: 'stored' | 'revised' | 'duplicate' | 'disputed';
}

/** The result of a call: the outcome of each content, or the forgotten ids. */
export interface Answer {
  readonly remembered?: readonly Remembered[];
  readonly forgotten?: readonly string[];
}

/** A line of the writer: the calls that it starts, and the results that were acknowledged. */
export type Line =
  | { readonly say: 'opening' | 'open' }
  | { readonly say: 'intent'; readonly number: number; readonly call: Call }
  | { readonly say: 'ack'; readonly number: number; readonly answer: Answer }
  | { readonly say: 'refused'; readonly number: number; readonly error: string };

/** The task of the writer. */
export interface WriterTask {
  readonly folder: string;
  readonly seed: number;
  readonly cycle: number;
  readonly exactUpTo: number;
  /** The number of writes before it exits without a close. Absent if it writes until it is killed. */
  readonly exitAfter?: number;
}

export const lanes = 8;
/** A word of every text, so that one query finds all texts. */
export const commonWord = 'lantern';

export function namespaceOf(lane: number): string[] {
  return ['kill', `lane-${lane}`];
}

export function agentOf(lane: number): { agentId: string } {
  return { agentId: `agent-${lane}` };
}

/** The options with which `remember` writes this content. */
export function fieldsOf({ tags, priority, metadata }: Content) {
  return { tags, priority, metadata };
}
