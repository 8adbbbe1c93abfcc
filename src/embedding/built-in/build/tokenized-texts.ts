import { Tokenizer } from '@huggingface/tokenizers';
import type { ModelFiles } from '../../local-models/model-files';

/** The token ids of texts, one text after the other. Text i has the ids from `starts[i]` to `starts[i + 1]`. */
export interface TokenizedTexts {
  readonly tokens: Int32Array;
  readonly starts: Int32Array;
}

// Longer texts are cut. They would take the teacher much time and teach little, because the sums of many tokens all have nearly the
// same direction.
const maxTokens = 126;

/** Tokenizes texts as all-MiniLM-L6-v2 does, without the markers for the beginning and the end. */
export function tokenize({ tokenizer, tokenizerConfig }: ModelFiles, texts: readonly string[]): TokenizedTexts {
  const pieces = new Tokenizer(tokenizer as object, tokenizerConfig as object);
  return together(texts.map((text) => pieces.encode(text, { add_special_tokens: false }).ids.slice(0, maxTokens)));
}

/** Returns the texts with these indexes. */
export function pick({ tokens, starts }: TokenizedTexts, texts: readonly number[]): TokenizedTexts {
  return together(texts.map((text) => tokens.subarray(starts[text]!, starts[text + 1]!)));
}

/** Joins several lists of texts into one. */
export function joined(all: readonly TokenizedTexts[]): TokenizedTexts {
  return together(
    all.flatMap(({ tokens, starts }) =>
      Array.from({ length: starts.length - 1 }, (_, text) => tokens.subarray(starts[text]!, starts[text + 1]!)),
    ),
  );
}

function together(texts: readonly ArrayLike<number>[]): TokenizedTexts {
  const starts = new Int32Array(texts.length + 1);
  for (const [i, { length }] of texts.entries()) starts[i + 1] = starts[i]! + length;
  const tokens = new Int32Array(starts[texts.length]!);
  for (const [i, ids] of texts.entries()) tokens.set(ids, starts[i]!);
  return { tokens, starts };
}

/** Makes a text from each single token. */
export function tokensAlone(count: number): TokenizedTexts {
  return {
    tokens: Int32Array.from({ length: count }, (_, i) => i),
    starts: Int32Array.from({ length: count + 1 }, (_, i) => i),
  };
}
