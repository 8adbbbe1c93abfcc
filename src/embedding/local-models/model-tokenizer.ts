import type { TokenizerConfig } from './model-files';

// WordPiece reads a longer word as one unknown token (`max_input_chars_per_word` in tokenizer.json), and tokens of other
// tokenizers are shorter, so what stands beyond so many of them is out of reach. Only blanks and control characters count for less.
const longestWord = 100;

/** Makes numbers of texts, as the model was taught. */
export interface ModelTokenizer {
  /** With the tokens that mark beginning and end, which stay when a text is cut at `maxTokens`, or sooner where the model reads less. */
  encode(text: string, maxTokens: number): Int32Array;
}

/** The tokenizer that the parsed `tokenizer.json` and `tokenizer_config.json` describe. */
export async function modelTokenizer(description: unknown, config: TokenizerConfig): Promise<ModelTokenizer> {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const tokenizer = new Tokenizer(description as object, config);
  const longest = config.model_max_length ?? Number.POSITIVE_INFINITY;
  return {
    encode(text, maxTokens) {
      const { ids } = tokenizer.encode(text.slice(0, maxTokens * longestWord));
      const most = Math.min(maxTokens, longest);
      return Int32Array.from(ids.length > most ? [...ids.slice(0, most - 1), ids.at(-1)!] : ids);
    },
  };
}
