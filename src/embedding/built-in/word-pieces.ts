import type { Tokenizer } from '@huggingface/tokenizers';
import { LRUCache } from 'lru-cache';

// The settings of all-MiniLM-L6-v2, from its tokenizer.json. Special tokens such as [SEP] are not in the list: in a memory they are
// plain text.
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
// The tokenizer treats a longer word as one unknown piece. Keys, hashes and texts without spaces are therefore cut into portions of
// this length.
const maxWordLength = 100;
const ascii = /^[\0-\x7f]*$/;
const blanks = /\s+/;
// An emoji next to a word would make the whole word unknown, so emoji separate words.
const blanksAndEmoji = /(?:\s|\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{RI}|\u200d|\ufe0f)+/u;
const portions = new RegExp(`[^]{1,${maxWordLength}}`, 'gu');

// Words are often repeated. With a cache of recent words, encoding a text takes a third of the time.
const maxCachedWords = 20_000;
const maxCachedLength = 24;

/** Splits texts into the word pieces of a model and returns their row numbers. Unknown pieces are left out. */
export class WordPieces {
  readonly #tokenizer: Tokenizer;
  readonly #unknown: number;
  readonly #cache = new LRUCache<string, readonly number[]>({ max: maxCachedWords });

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
      max_input_chars_per_word: maxWordLength,
    };
    this.#tokenizer = new Implementation({ ...settings, model }, {});
  }

  /** @param pieces The pieces of the model, in the order of its rows. A piece that continues a word begins with `##`. */
  static async of(pieces: readonly string[]): Promise<WordPieces> {
    const { Tokenizer } = await import('@huggingface/tokenizers');
    return new WordPieces(pieces, Tokenizer);
  }

  /** Returns the rows of the pieces in a text, at most `limit` of them. */
  rowsOf(text: string, limit: number): number[] {
    const rows: number[] = [];
    // No piece contains white space, so each word can be split separately.
    for (const word of wordsOf(text)) {
      for (const row of this.#rowsOfWord(word)) {
        if (rows.length === limit) return rows;
        rows.push(row);
      }
    }
    return rows;
  }

  #rowsOfWord(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    const { ids } = this.#tokenizer.encode(word, { add_special_tokens: false });
    const rows = ids.filter((row) => row !== this.#unknown);
    if (word.length <= maxCachedLength) this.#cache.set(word, rows);
    return rows;
  }
}

function* wordsOf(text: string): Generator<string> {
  for (const word of text.split(ascii.test(text) ? blanks : blanksAndEmoji)) {
    if (word.length > maxWordLength) yield* word.match(portions)!;
    else if (word !== '') yield word;
  }
}
