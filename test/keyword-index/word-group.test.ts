import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newPageBuffer, PageReader, PageWriter, PostingList, sortTerms } from '../../src/keyword-index/posting-pages';
import { WordGroup } from '../../src/keyword-index/word-group';

test('a group writes each term in order, with the rows of all texts that have it', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'ab', 'order', 'orders', 'é'), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), (texts) => {
      const group = new WordGroup();
      for (const [i, tokens] of texts.entries()) group.add(3 * i + 1, tokens);
      expect(group.tokenCount).toBe(texts.flat().length);
      const expected = sortTerms([...new Set(texts.flat())]).map((term) => {
        const holding = texts.map((tokens, i) => [3 * i + 1, tokens.filter((token) => token === term).length]);
        return [term, holding.filter(([, frequency]) => frequency !== 0)];
      });
      expect(written(group)).toEqual(expected);
    }),
  );
});

test('a group takes more words than one page has room for', () => {
  const group = new WordGroup();
  const words = Array.from({ length: 5_000 }, (_, i) => `w${i}`);
  group.add(1, words);
  group.add(2, words);
  const both = [
    [1, 1],
    [2, 1],
  ];
  expect(written(group)).toEqual([...words].sort().map((word) => [word, both]));
});

function written(group: WordGroup) {
  const found: [term: string, postings: number[][]][] = [];
  const writer = new PageWriter(newPageBuffer(), ({ page }) => {
    const reader = new PageReader(page);
    while (reader.next()) {
      const list = new PostingList();
      reader.readInto(list);
      const postings = Array.from({ length: list.length }, (_, i) => [list.rows[i]!, list.frequencies[i]!]);
      found.push([page.toString('utf8', reader.term, reader.termEnd), postings]);
    }
  });
  group.writeTo(writer);
  writer.flush();
  return found;
}
