import { Tokenizer } from '@huggingface/tokenizers';
import type { ModelFiles } from '../../local-models/model-files';

/** Texts as token numbers, one after the other; text i has those from `starts[i]` to `starts[i + 1]`. */
export interface TokenizedTexts {
  readonly tokens: Int32Array;
  readonly starts: Int32Array;
}

// Longer texts would cost the teacher more than they teach: the sum of so many tokens points to the middle of everything.
const maxTokens = 126;

/** Cuts texts as all-MiniLM-L6-v2 does, without its marks of beginning and end. */
export function tokenize({ tokenizer, tokenizerConfig }: ModelFiles, texts: readonly string[]): TokenizedTexts {
  const pieces = new Tokenizer(tokenizer as object, tokenizerConfig as object);
  return together(texts.map((text) => pieces.encode(text, { add_special_tokens: false }).ids.slice(0, maxTokens)));
}

/** Some of the texts. */
export function pick({ tokens, starts }: TokenizedTexts, texts: readonly number[]): TokenizedTexts {
  return together(texts.map((text) => tokens.subarray(starts[text]!, starts[text + 1]!)));
}

/** One after the other. */
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

/** Every token as a text of its own. */
export function tokensAlone(count: number): TokenizedTexts {
  return {
    tokens: Int32Array.from({ length: count }, (_, i) => i),
    starts: Int32Array.from({ length: count + 1 }, (_, i) => i),
  };
}
