import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import type { TokenizedTexts } from './teacher';

/** Cuts texts as all-MiniLM-L6-v2 does, without its marks of beginning and end, after `maxTokens` at the latest. */
export async function tokenize(folder: string, texts: readonly string[], maxTokens: number): Promise<TokenizedTexts> {
  const model = join(folder, 'Xenova/all-MiniLM-L6-v2');
  const read = async (file: string) => JSON.parse(await readFile(join(model, file), 'utf8'));
  const tokenizer = new Tokenizer(await read('tokenizer.json'), await read('tokenizer_config.json'));
  const all = texts.map((text) => tokenizer.encode(text, { add_special_tokens: false }).ids.slice(0, maxTokens));
  const starts = new Int32Array(texts.length + 1);
  for (const [i, ids] of all.entries()) starts[i + 1] = starts[i]! + ids.length;
  const tokens = new Int32Array(starts[texts.length]!);
  for (const [i, ids] of all.entries()) tokens.set(ids, starts[i]!);
  return { tokens, starts };
}
