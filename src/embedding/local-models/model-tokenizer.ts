import type { TokenizerConfig } from './model-files';

// WordPiece treats a word of more than 100 characters as one unknown token (`max_input_chars_per_word` in tokenizer.json), and the
// tokens of other tokenizers are shorter. So `maxTokens` tokens never cover more than 100 times as many characters, unless most of
// these are white space and control characters.
const maxCharactersPerToken = 100;

/** Converts texts to the token ids of a model. */
export interface ModelTokenizer {
  /**
   * Returns the token ids of a text, including the markers for its beginning and end. A longer text is cut to `maxTokens`, or to the
   * maximum of the model if that is lower; the end marker stays.
   */
  encode(text: string, maxTokens: number): Int32Array;
}

/** Makes the tokenizer that the parsed `tokenizer.json` and `tokenizer_config.json` describe. */
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
