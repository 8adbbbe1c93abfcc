import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeywordIndex, type VisibleTexts } from '../../src/keyword-index/keyword-index';
import { Postings } from '../../src/keyword-index/postings';
import { postingsOf } from './term-postings';

type Texts = readonly (readonly string[])[];

function indexOf(texts: Texts): KeywordIndex {
  return new KeywordIndex(
    new Postings({
      read: (term) =>
        postingsOf(texts.flatMap((tokens, row) => tokens.filter((token) => token === term).map(() => row))),
    }),
  );
}

function visibleOf(texts: Texts, visible: (row: number) => boolean = () => true): VisibleTexts {
  const rows = texts.map((_, row) => row).filter(visible);
  const mask = new Uint8Array(texts.length);
  for (const row of rows) mask[row] = 1;
  const lengths = Uint32Array.from(texts, (tokens) => tokens.length);
  const tokens = rows.reduce((sum, row) => sum + lengths[row]!, 0);
  return { mask, few: undefined, lengths, count: rows.length, tokens };
}

/** The same texts, given as a list of rows. */
function listed(texts: VisibleTexts): VisibleTexts {
  const few = Uint32Array.from(texts.mask.keys()).filter((row) => texts.mask[row] === 1);
  return { ...texts, mask: new Uint8Array(0), few };
}

/** BM25 as the books have it, over the given texts alone, and its sum `s` made a score by s / (s + ln(2N + 2)). */
function referenceScores(texts: Texts, terms: readonly string[]): number[] {
  const average = texts.reduce((sum, tokens) => sum + tokens.length, 0) / texts.length;
  return texts.map((tokens) => {
    let sum = 0;
    for (const term of terms) {
      const holding = texts.filter((other) => other.includes(term)).length;
      const idf = Math.log(1 + (texts.length - holding + 0.5) / (holding + 0.5));
      const frequency = tokens.filter((token) => token === term).length;
      sum += (idf * frequency * 1.9) / (frequency + 0.9 * (0.6 + (0.4 * tokens.length) / average));
    }
    return sum / (sum + Math.log(2 * texts.length + 2));
  });
}

const vocabulary = ['a', 'b', 'c', 'd', 'e'];
const text = fc.array(fc.constantFrom(...vocabulary), { minLength: 1, maxLength: 12 });
const texts = fc.array(text, { minLength: 1, maxLength: 30 });
const query = fc.subarray([...vocabulary, 'unknown']);

describe('scores', () => {
  test('are BM25 sums converted to the range 0 to 1', () => {
    fc.assert(
      fc.property(texts, query, (texts, terms) => {
        const { scoreOf } = indexOf(texts).search(terms, visibleOf(texts), 10);
        for (const [row, expected] of referenceScores(texts, terms).entries()) {
          expect(scoreOf(row)).toBeCloseTo(expected, 12);
          expect(scoreOf(row)).toBeLessThan(1);
        }
      }),
    );
  });

  test('are the same whether the visible texts are given as a list or as a mask', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.boolean()), { minLength: 1, maxLength: 60 }), query, (labelled, terms) => {
        const all = labelled.map(([tokens]) => tokens);
        const visible = visibleOf(all, (row) => labelled[row]![1]);
        const index = indexOf(all);
        const [byMask, byList] = [index.search(terms, visible, 50), index.search(terms, listed(visible), 50)];
        expect(byList.hits).toEqual(byMask.hits);
        for (const row of all.keys()) expect(byList.scoreOf(row)).toBe(byMask.scoreOf(row));
      }),
    );
  });

  test('of a few texts among many are the same, too', () => {
    const all = Array.from({ length: 2_000 }, (_, row) => (row % 3 === 0 ? ['a', 'b', 'a'] : ['b', 'c']));
    const visible = visibleOf(all, (row) => row % 97 === 0);
    const index = indexOf(all);
    const terms = ['a', 'b', 'c'];
    expect(index.search(terms, listed(visible), 50).hits).toEqual(index.search(terms, visible, 50).hits);
  });

  test('of visible texts do not depend on hidden texts', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.boolean()), { minLength: 1, maxLength: 30 }), query, (labelled, terms) => {
        const all = labelled.map(([tokens]) => tokens);
        const seen = all.filter((_, row) => labelled[row]![1]);
        const among = indexOf(all).search(
          terms,
          visibleOf(all, (row) => labelled[row]![1]),
          50,
        );
        const alone = indexOf(seen).search(terms, visibleOf(seen), 50);
        const rowOfSeen = all.flatMap((_, row) => (labelled[row]![1] ? [row] : []));
        expect(among.hits).toEqual(alone.hits.map(({ row, score }) => ({ row: rowOfSeen[row], score })));
        for (const row of all.keys()) if (!labelled[row]![1]) expect(among.scoreOf(row)).toBe(0);
      }),
    );
  });

  test('are available for any row after the search, and equal the scores of the hits bit by bit', () => {
    fc.assert(
      fc.property(texts, query, query, (texts, terms, others) => {
        const index = indexOf(texts);
        const first = index.search(terms, visibleOf(texts), 50);
        index.search(others, visibleOf(texts), 50);
        for (const { row, score } of first.hits) expect(first.scoreOf(row)).toBe(score);
        const hits = new Set(first.hits.map(({ row }) => row));
        for (const row of texts.keys()) if (!hits.has(row)) expect(first.scoreOf(row)).toBe(0);
      }),
    );
  });

  test('can be compared between queries: more rare matches score higher, and a word in every text adds almost nothing', () => {
    const texts = Array.from({ length: 100 }, (_, i) => ['customer', `x${i}`, `y${i}`, `z${i}`]);
    const index = indexOf(texts);
    const best = (terms: string[]) => index.search(terms, visibleOf(texts), 1).hits[0]!.score;
    expect(best(['customer'])).toBeLessThan(0.01);
    expect(best(['x7'])).toBeGreaterThan(0.4);
    expect(best(['x7', 'y7'])).toBeGreaterThan(best(['x7']));
    expect(best(['x7', 'y7', 'z7'])).toBeGreaterThan(best(['x7', 'y7']));
    // Half of the words asked for are found nowhere together: the score does not pretend otherwise.
    expect(best(['x7', 'y8'])).toBe(best(['x7']));
  });
});

describe('hits', () => {
  test('are the best rows up to the limit, ordered by score and then by row', () => {
    fc.assert(
      fc.property(texts, query, fc.integer({ min: 1, max: 8 }), (texts, terms, limit) => {
        const index = indexOf(texts);
        const { hits, scoreOf } = index.search(terms, visibleOf(texts), limit);
        const expected = [...texts.keys()]
          .map((row) => ({ row, score: scoreOf(row) }))
          .filter(({ score }) => score > 0)
          .sort((a, b) => b.score - a.score || a.row - b.row);
        expect(hits).toEqual(expected.slice(0, limit));
      }),
    );
  });

  test('with equal scores are ordered by row, for any order of the terms', () => {
    const texts = [['b'], ['a'], ['b'], ['a'], ['c']];
    const { hits } = indexOf(texts).search(['a', 'b'], visibleOf(texts), 3);
    expect(hits.map(({ row }) => row)).toEqual([0, 1, 2]);
  });

  test('are empty without terms, without matches or without visible texts', () => {
    const texts = [['a'], ['b']];
    const index = indexOf(texts);
    expect(index.search([], visibleOf(texts), 10).hits).toEqual([]);
    expect(index.search(['x'], visibleOf(texts), 10).hits).toEqual([]);
    const nothing = index.search(
      ['a'],
      visibleOf(texts, () => false),
      10,
    );
    expect(nothing.hits).toEqual([]);
    expect(nothing.scoreOf(0)).toBe(0);
  });

  test('do not include rows beyond the end of the mask, or rows that no longer contain the term', () => {
    const all = [['a'], ['a', 'b'], ['a']];
    const postings = new Postings({
      read: (term) => postingsOf(all.flatMap((tokens, row) => (tokens.includes(term) ? [row] : []))),
    });
    const index = new KeywordIndex(postings);
    const first = all.slice(0, 2);
    expect(index.search(['a'], visibleOf(first), 10).hits.map(({ row }) => row)).toEqual([0, 1]);
    postings.removed(1, ['a', 'b']);
    postings.added(1, ['b', 'b']);
    const revised = [['a'], ['b', 'b'], ['a']];
    const { hits, scoreOf } = index.search(['a'], visibleOf(revised), 10);
    expect(hits.map(({ row }) => row)).toEqual([0, 2]);
    expect(scoreOf(0)).toBeCloseTo(referenceScores(revised, ['a'])[0]!, 12);
  });
});
