import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ModelTokenizer, modelTokenizer } from '../../src/embedding/local-models/model-tokenizer';
import { modelFolder, modelIsMissing } from './model-folder';

const model = 'Xenova/all-MiniLM-L6-v2';

describe.skipIf(modelIsMissing !== undefined)(
  `the tokenizer of a model${modelIsMissing ? ` (${modelIsMissing})` : ''}`,
  () => {
    const parsed = (file: string) => JSON.parse(readFileSync(join(modelFolder, model, file), 'utf8'));
    const made = (): Promise<ModelTokenizer> =>
      modelTokenizer(parsed('tokenizer.json'), parsed('tokenizer_config.json'));

    test('returns the token ids that transformers.js returns', async () => {
      const ours = await made();
      const module: string = '@xenova/transformers/src/tokenizers.js';
      const { BertTokenizer } = await import(module);
      const theirs = new BertTokenizer(parsed('tokenizer.json'), parsed('tokenizer_config.json'));
      const texts = [
        '',
        ' ',
        'Refund!',
        'Café — 4417 👍🏽 naïve',
        '客户想要退款',
        '한국어 문장',
        '[MASK] and [SEP] are words of its own',
        "Don't   split\tthis\n\nwrongly… «ok»",
        'x'.repeat(300),
        '\u0000\ufffd\u200b zero',
        readFileSync(new URL(import.meta.url), 'utf8').slice(0, 800),
      ];
      for (const text of texts) expect([...ours.encode(text, 512)]).toEqual(theirs.encode(text));
    });

    test('cuts a long text and keeps the end marker', async () => {
      const tokenizer = await made();
      const whole = tokenizer.encode('one two three four five six', 512);
      const cut = tokenizer.encode('one two three four five six', 5);
      expect([...cut]).toEqual([...whole.subarray(0, 4), whole.at(-1)]);
    });
  },
);
