import { Tokenizer } from '@huggingface/tokenizers';
import type { MiniLmFiles } from '../../minilm-files';

/** Texts as token numbers, one after the other; text i has those from `starts[i]` to `starts[i + 1]`. */
export interface TokenizedTexts {
  readonly tokens: Int32Array;
  readonly starts: Int32Array;
}

// Longer texts would cost the teacher more than they teach: the sum of so many tokens points to the middle of everything.
const maxTokens = 126;

/** Cuts texts as all-MiniLM-L6-v2 does, without its marks of beginning and end. */
export function tokenize({ tokenizer, tokenizerConfig }: MiniLmFiles, texts: readonly string[]): TokenizedTexts {
  const pieces = new Tokenizer(tokenizer as object, tokenizerConfig as object);
  const all = texts.map((text) => pieces.encode(text, { add_special_tokens: false }).ids.slice(0, maxTokens));
  const starts = new Int32Array(texts.length + 1);
  for (const [i, ids] of all.entries()) starts[i + 1] = starts[i]! + ids.length;
  const tokens = new Int32Array(starts[texts.length]!);
  for (const [i, ids] of all.entries()) tokens.set(ids, starts[i]!);
  return { tokens, starts };
}

/** Every token as a text of its own. */
export function tokensAlone(count: number): TokenizedTexts {
  return {
    tokens: Int32Array.from({ length: count }, (_, i) => i),
    starts: Int32Array.from({ length: count + 1 }, (_, i) => i),
  };
}
