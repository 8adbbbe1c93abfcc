import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frequencyIn, Postings, type PostingsSource } from '../../src/keyword-index/postings';
import { postingsOf } from './term-postings';

/** Texts by row, as the truth holds them, and how often it was asked. */
function textsOf(initial: Record<number, string[]> = {}) {
  const texts = new Map(Object.entries(initial).map(([row, tokens]) => [Number(row), tokens]));
  const asked: string[] = [];
  const truth: PostingsSource = {
    read(term) {
      asked.push(term);
      return postingsOf([...texts].flatMap(([row, tokens]) => tokens.filter((token) => token === term).map(() => row)));
    },
  };
  return { texts, asked, truth };
}

function entries(postings: Postings, term: string): [number, number][] {
  const { rows, frequencies, length } = postings.of(term);
  const all = Array.from({ length }, (_, i): [number, number] => [rows[i]!, frequencies[i]!]);
  return all.filter(([, frequency]) => frequency > 0);
}

const terms = ['a', 'b', 'c', '東'];
const tokens = fc.array(fc.constantFrom(...terms), { maxLength: 6 });

describe('postings', () => {
  test('contain the rows in ascending order with their frequencies', () => {
    const { truth } = textsOf({ 9: ['a'], 2: ['a', 'b', 'a'], 5: ['b'] });
    expect(entries(new Postings(truth), 'a')).toEqual([
      [2, 2],
      [9, 1],
    ]);
  });

  test('are empty for an unknown term', () => {
    expect(new Postings(textsOf().truth).of('x').length).toBe(0);
  });

  test('are read from the source once, and again after clear()', () => {
    const { truth, asked } = textsOf({ 1: ['a'] });
    const postings = new Postings(truth);
    postings.of('a');
    postings.of('a');
    expect(asked).toEqual(['a']);
    postings.clear();
    postings.of('a');
    expect(asked).toEqual(['a', 'a']);
  });

  test('are equal to those read from the source after any additions, revisions and removals', () => {
    const step = fc.record({
      row: fc.integer({ min: 0, max: 30 }),
      tokens,
      gone: fc.boolean(),
      asks: fc.subarray(terms),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { texts, truth } = textsOf();
        const fresh = new Postings(truth);
        for (const { row, tokens, gone, asks } of steps) {
          const before = texts.get(row);
          if (gone) texts.delete(row);
          else texts.set(row, tokens);
          // A term that is read here already shows the change of which it is told next.
          for (const term of asks) fresh.of(term);
          if (before !== undefined) fresh.removed(row, before);
          if (!gone) fresh.added(row, tokens);
        }
        const anew = new Postings(truth);
        for (const term of terms) {
          expect(entries(fresh, term)).toEqual(entries(anew, term));
          for (let row = 0; row <= 31; row++)
            expect(frequencyIn(fresh.of(term), row)).toBe(frequencyIn(anew.of(term), row));
        }
      }),
    );
  });

  test('stay correct while many rows are appended', () => {
    const { truth } = textsOf({ 1: ['a'] });
    const postings = new Postings(truth);
    postings.of('a');
    for (let row = 2; row <= 5_000; row++) postings.added(row, ['a', 'a']);
    expect(postings.of('a').length).toBe(5_000);
    expect(frequencyIn(postings.of('a'), 5_000)).toBe(2);
  });

  test('count at most 65,535 occurrences of a term in a text', () => {
    const postings = new Postings(textsOf().truth);
    postings.of('a');
    postings.added(4, new Array(70_000).fill('a'));
    expect(frequencyIn(postings.of('a'), 4)).toBe(65_535);
  });

  test('stay within their RAM limit, and are read again correctly after an eviction', () => {
    const { texts, truth, asked } = textsOf({ 1: ['a', 'b', 'c'] });
    const postings = new Postings(truth, 700);
    postings.of('a');
    postings.of('b');
    postings.of('c');
    texts.set(2, ['a', 'c']);
    postings.added(2, ['a', 'c']);
    expect(entries(postings, 'c')).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(entries(postings, 'a')).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
  });

  test('that exceed the RAM limit are read each time', () => {
    const { truth, asked } = textsOf({ 1: ['a'] });
    const postings = new Postings(truth, 400);
    postings.of('a');
    for (let row = 2; row < 50; row++) postings.added(row, ['a']);
    truth.read = (term) => {
      asked.push(term);
      return postingsOf(Uint32Array.from({ length: 49 }, (_, i) => i + 1));
    };
    expect(postings.of('a').length).toBe(49);
    expect(postings.of('a').length).toBe(49);
    expect(asked).toEqual(['a', 'a', 'a']);
  });
});
