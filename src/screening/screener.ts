import type { CallOptions } from '../domain/calls';

/** What a screener says about a text. */
export interface ScreeningVerdict {
  /** How likely the text contains an instruction to a model, from 0 to 1. The default threshold is 0.5. */
  readonly score: number;
  /** Why, in short names such as 'override of instructions'. They never contain a part of the text. */
  readonly reasons: readonly string[];
}

/**
 * Looks for instructions that somebody has planted in a text for the models that read it. A screener finds instructions, not lies: a false
 * statement looks like a true one.
 */
export interface Screener {
  /** The name of the algorithm or the model, with its version. `store.trust.explain` returns it with the verdict. */
  readonly name: string;
  /**
   * Judges texts, each by itself: the verdict depends on nothing but the text. Returns one verdict for each text, in the same order.
   */
  screen(texts: readonly string[], options: CallOptions): Promise<readonly ScreeningVerdict[]>;
}
