import type { Tokenizer } from '@huggingface/tokenizers';
import { LRUCache } from 'lru-cache';

// What all-MiniLM-L6-v2 was trained with, from its tokenizer.json. No words of its own such as [SEP]: whoever writes them means
// the letters.
const settings = {
  version: '1.0',
  added_tokens: [],
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: null,
  decoder: null,
};
const unknown = '[UNK]';
// A longer word would be one unknown piece: keys, hashes, and texts without spaces are read in portions.
const longestWord = 100;
const ascii = /^[\0-\x7f]*$/;
const blanks = /\s+/;
// One emoji would make the word that it stands beside an unknown one.
const blanksAndEmoji = /(?:\s|\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{RI}|\u200d|\ufe0f)+/u;
const portions = new RegExp(`[^]{1,${longestWord}}`, 'gu');

// Words of texts repeat: with those kept that came last, a text takes a third of the time.
const keptWords = 20_000;
const longestKept = 24;

/** Cuts texts into the pieces of words that a model knows, as numbers of their rows. What it does not know is left out. */
export class WordPieces {
  readonly #tokenizer: Tokenizer;
  readonly #unknown: number;
  readonly #known = new LRUCache<string, readonly number[]>({ max: keptWords });

  private constructor(pieces: readonly string[], Implementation: typeof Tokenizer) {
    const vocab: Record<string, number> = {};
    for (const [row, piece] of pieces.entries()) vocab[piece] = row;
    this.#unknown = pieces.length;
    vocab[unknown] = this.#unknown;
    const model = {
      type: 'WordPiece',
      vocab,
      unk_token: unknown,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: longestWord,
    };
    this.#tokenizer = new Implementation({ ...settings, model }, {});
  }

  /** @param pieces What is known, in the order of the rows. Those that continue a word begin with `##`. */
  static async of(pieces: readonly string[]): Promise<WordPieces> {
    const { Tokenizer } = await import('@huggingface/tokenizers');
    return new WordPieces(pieces, Tokenizer);
  }

  /** The rows of a text's pieces, at most `limit`. */
  rowsOf(text: string, limit: number): number[] {
    const rows: number[] = [];
    // No piece reaches across white space, so words can be cut one by one.
    for (const word of wordsOf(text)) {
      for (const row of this.#rowsOfWord(word)) {
        if (rows.length === limit) return rows;
        rows.push(row);
      }
    }
    return rows;
  }

  #rowsOfWord(word: string): readonly number[] {
    const known = this.#known.get(word);
    if (known !== undefined) return known;
    const { ids } = this.#tokenizer.encode(word, { add_special_tokens: false });
    const rows = ids.filter((row) => row !== this.#unknown);
    if (word.length <= longestKept) this.#known.set(word, rows);
    return rows;
  }
}

function* wordsOf(text: string): Generator<string> {
  for (const word of text.split(ascii.test(text) ? blanks : blanksAndEmoji)) {
    if (word.length > longestWord) yield* word.match(portions)!;
    else if (word !== '') yield word;
  }
}
