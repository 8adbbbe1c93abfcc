import type { TokenizerConfig } from './model-files';

// WordPiece reads a word of more than 100 characters as one unknown token (`max_input_chars_per_word` in tokenizer.json), and the
// tokens of other tokenizers are shorter. So `maxTokens` tokens never reach beyond 100 times as many characters, unless these are
// mostly white space and control characters.
const maxCharactersPerToken = 100;

/** Turns texts into the token ids of a model. */
export interface ModelTokenizer {
  /**
   * The token ids of a text, with the markers of its beginning and end. A longer text is cut to `maxTokens`, or to the maximum of
   * the model if that is lower; the end marker stays.
   */
  encode(text: string, maxTokens: number): Int32Array;
}

/** The tokenizer described by the parsed `tokenizer.json` and `tokenizer_config.json`. */
export async function modelTokenizer(description: unknown, config: TokenizerConfig): Promise<ModelTokenizer> {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const tokenizer = new Tokenizer(description as object, config);
  const modelMaximum = config.model_max_length ?? Number.POSITIVE_INFINITY;
  return {
    encode(text, maxTokens) {
      const { ids } = tokenizer.encode(text.slice(0, maxTokens * maxCharactersPerToken));
      const limit = Math.min(maxTokens, modelMaximum);
      return Int32Array.from(ids.length > limit ? [...ids.slice(0, limit - 1), ids.at(-1)!] : ids);
    },
  };
}
