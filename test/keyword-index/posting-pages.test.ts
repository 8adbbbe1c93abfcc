import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changedEntry,
  MalformedPage,
  maxPageBytes,
  newEntry,
  newPageBuffer,
  PageReader,
  PageWriter,
  PostingList,
  sortTerms,
  termBytes,
  type WrittenPage,
} from '../../src/keyword-index/posting-pages';

type Entry = readonly [term: string, rows: readonly (readonly [row: number, frequency: number])[]];

function listOf(rows: Entry[1]): PostingList {
  const list = new PostingList(1);
  for (const [row, frequency] of rows) list.push(row, frequency);
  return list;
}

function pagesOf(write: (writer: PageWriter) => void): WrittenPage[] {
  const pages: WrittenPage[] = [];
  const writer = new PageWriter(newPageBuffer(), ({ first, row, page }) =>
    pages.push({ first: Buffer.from(first), row, page: Buffer.from(page) }),
  );
  write(writer);
  writer.flush();
  return pages;
}

/** The entries of pages, with the parts of a list that takes several pages put together. */
function entriesOf(pages: readonly Buffer[]): Entry[] {
  const found = new Map<string, [number, number][]>();
  for (const page of pages) {
    const reader = new PageReader(page);
    while (reader.next()) {
      const term = page.subarray(reader.term, reader.termEnd).toString();
      const list = new PostingList(1);
      reader.readInto(list);
      const entries = Array.from(list.rows.subarray(0, list.length), (row, i): [number, number] => [
        row,
        list.frequencies[i]!,
      ]);
      found.set(term, [...(found.get(term) ?? []), ...entries]);
    }
  }
  return [...found];
}

const term = fc
  .oneof(fc.stringMatching(/^[a-z0-9]{1,8}$/), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }))
  .filter((text) => text.isWellFormed() && text.length <= 64);
const row = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 32 - 1 }));
const frequency = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 65_535 }));
const rows = fc
  .uniqueArray(fc.tuple(row, frequency), { minLength: 1, maxLength: 40, selector: ([row]) => row })
  .map((all) => all.sort(([a], [b]) => a - b));

describe('the order of terms', () => {
  test('is that of their bytes in UTF-8', () => {
    const terms = fc.uniqueArray(fc.oneof(term, fc.constantFrom('abcde', 'abcdef', 'abcdeg', 'abcd', '\uffee', '😀')));
    fc.assert(
      fc.property(terms, (all) => {
        const expected = [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(sortTerms([...all])).toEqual(expected);
      }),
    );
  });

  test('takes about as long for words that begin alike as for others', () => {
    const alike = Array.from({ length: 20_000 }, (_, i) => `order${String((i * 7_919) % 20_000).padStart(5, '0')}`);
    const others = alike.map((word) => [...word].reverse().join(''));
    const timeOf = (words: readonly string[]) => {
      const before = process.cpuUsage();
      expect(sortTerms([...words])).toEqual([...words].sort());
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    timeOf(others);
    expect(timeOf(alike)).toBeLessThan(20 * timeOf(others));
  });

  test('is the same for more words than numbers can be sorted for', () => {
    const words = Array.from({ length: 140_000 }, (_, i) => `w${(i * 7_919) % 140_000}`);
    expect(sortTerms([...words])).toEqual([...words].sort());
  });
});

describe('pages', () => {
  test('contain exactly the entries that were written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(term, rows), { selector: ([term]) => term, maxLength: 30 }), (all) => {
        const entries = sortTerms(all.map(([term]) => term)).map((term) => all.find((each) => each[0] === term)!);
        const pages = pagesOf((writer) => {
          for (const [term, rows] of entries) writer.add(termBytes(term), listOf(rows));
        });
        expect(entriesOf(pages.map(({ page }) => page))).toEqual(entries);
      }),
    );
  });

  test('divide a long list, and each names its first term and row', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => [1 + i * 3, 1 + (i % 3)] as const);
    const pages = pagesOf((writer) => {
      writer.add(termBytes('a'), listOf([[7, 1]]));
      writer.add(termBytes('frequent'), listOf(many));
    });
    expect(pages.length).toBeGreaterThan(5);
    expect(pages[0]).toMatchObject({ first: Buffer.from('a'), row: 7 });
    for (const { first, row, page } of pages) {
      expect(page.length).toBeLessThanOrEqual(maxPageBytes);
      const reader = new PageReader(page);
      reader.next();
      expect([reader.compareTo(first), reader.firstRow()]).toEqual([0, row]);
    }
    expect(entriesOf(pages.map(({ page }) => page))).toEqual([
      ['a', [[7, 1]]],
      ['frequent', many],
    ]);
  });

  test('count the occurrences of a term, up to 65,535 in one text', () => {
    const rows = Uint32Array.of(1, 2, 2, 5, ...new Array(70_000).fill(9));
    const pages = pagesOf((writer) => writer.addOccurrences('naïve', rows, 1, rows.length));
    const expected = [
      [2, 2],
      [5, 1],
      [9, 65_535],
    ];
    expect(entriesOf(pages.map(({ page }) => page))).toEqual([['naïve', expected]]);
  });

  test('change the number of occurrences in one row, and keep all others', () => {
    const changes = fc.array(
      fc.tuple(fc.oneof(fc.integer({ min: 1, max: 40 }), row), fc.oneof(fc.constant(0), frequency)),
    );
    fc.assert(
      fc.property(rows, changes, (before, changes) => {
        const counts = new Map(before);
        const [{ page: first }] = pagesOf((writer) => writer.add(termBytes('word'), listOf(before))) as [WrittenPage];
        let page = first;
        for (const [row, frequency] of changes) {
          const reader = new PageReader(page);
          const changed = reader.next()
            ? changedEntry(reader, row, frequency)
            : frequency > 0
              ? newEntry(termBytes('word'), row, frequency)
              : undefined;
          expect(changed === undefined).toBe(frequency === (counts.get(row) ?? 0));
          page = changed ?? page;
          if (frequency === 0) counts.delete(row);
          else counts.set(row, frequency);
          const expected = [...counts].sort(([a], [b]) => a - b);
          expect(entriesOf([page])).toEqual(expected.length === 0 ? [] : [['word', expected]]);
        }
      }),
    );
  });

  test('that are damaged give an error or other entries, and never read beyond their end', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(rows, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([rows, at, flipped]) => {
        const [{ page }] = pagesOf((writer) => writer.add(termBytes('word'), listOf(rows))) as [WrittenPage];
        const copy = Buffer.from(page);
        copy[at % copy.length]! ^= flipped;
        return copy;
      }),
    );
    fc.assert(
      fc.property(bytes, (damaged) => {
        try {
          entriesOf([Buffer.from(damaged)]);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedPage);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
