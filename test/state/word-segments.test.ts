import type { Database } from 'better-sqlite3';
import { beforeEach, describe, expect, test } from 'vitest';
import { maxPageBytes } from '../../src/keyword-index/posting-pages';
import { WordGroup } from '../../src/keyword-index/word-group';
import { loadChecksum } from '../../src/state/tables/checksum';
import { openDatabase } from '../../src/state/tables/database';
import { migrate } from '../../src/state/tables/migrations';
import { WordSegments } from '../../src/state/tables/word-segments';
import { Random } from '../faults/random';
import { storedWords } from './stored-words';

const checksum = await loadChecksum();
// Two that sort differently in UTF-8 and UTF-16, one that begins another, and frequent ones whose lists take several pages.
const vocabulary = ['a', 'ab', 'abc', 'é', '\uffee', '😀', ...Array.from({ length: 300 }, (_, i) => `word${i}`)];

type Texts = Map<number, Map<string, number>>;

let database: Database;
let segments: WordSegments;
let texts: Texts;
let random: Random;

beforeEach(() => {
  database = openDatabase({ path: ':memory:', readOnly: false });
  migrate(database);
  segments = new WordSegments(database, checksum);
  texts = new Map();
  random = new Random(7);
});

function randomText(): Map<string, number> {
  const tokens = Array.from({ length: random.whole(0, 12) }, () => random.pick(vocabulary));
  const counts = new Map<string, number>(random.whole(0, 1) === 0 ? [] : [['frequent', random.whole(1, 3)]]);
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}

function addGroup(size: number): void {
  const first = texts.size + 1;
  const group = new WordGroup();
  for (let row = first; row < first + size; row++) {
    const text = randomText();
    texts.set(row, text);
    group.add(row, tokensOf(text));
  }
  segments.add(group, { first, last: first + size - 1 });
  segments.merge();
}

function tokensOf(text: ReadonlyMap<string, number>): string[] {
  return [...text].flatMap(([term, count]) => new Array<string>(count).fill(term));
}

function replace(row: number, after: Map<string, number>): void {
  const before = texts.get(row) as Map<string, number>;
  segments.change(row, new Map([...[...before.keys()].map((term) => [term, 0] as const), ...after]));
  texts.set(row, after);
}

function expected(): unknown[] {
  const all = [...texts].flatMap(([row, text]) => [...text].map(([term, count]) => [term, row, count] as const));
  return all.sort(([a, rowA], [b, rowB]) => (a < b ? -1 : a > b ? 1 : rowA - rowB));
}

function read(of: WordSegments, term: string): [number, number][] {
  const { rows, frequencies, length } = of.read(term);
  return Array.from(rows.subarray(0, length), (row, i) => [row, frequencies[i] as number]);
}

function expectSame(of: WordSegments): void {
  expect(storedWords(database)).toEqual(expected());
  for (const term of ['frequent', 'unknown', ...vocabulary.slice(0, 12)]) {
    const rows = [...texts].flatMap(([row, text]) => (text.has(term) ? [[row, text.get(term)]] : []));
    expect(read(of, term)).toEqual(rows.sort(([a], [b]) => (a as number) - (b as number)));
  }
}

const levels = () => database.prepare('select distinct level from word_segments order by level').pluck().all();

describe('segments of words', () => {
  test('contain every word once while they are merged, whatever changes meanwhile', () => {
    for (let group = 0; group < 300; group++) {
      addGroup(random.whole(1, 12));
      for (let change = random.whole(0, 4); change > 0; change--)
        replace(random.whole(1, texts.size), random.whole(0, 2) === 0 ? new Map() : randomText());
      if (group % 25 === 0) expectSame(segments);
    }
    expect(levels()).toContain(2);
    expectSame(segments);
    expectSame(new WordSegments(database, checksum));
  });

  test('contain every word once while a merge takes many steps, also those of texts whose other words were merged', () => {
    // Half of the groups have few words, which begin with an early letter. They are merged wholly in the first step.
    const letters = () => random.pick(['a', 'b', ...'cdefghijklmnopqrstuvwxyzé😀']);
    const word = (letter: string) => `${letter}${random.whole(0, 99_999)}${'long'.repeat(14)}`;
    const wordsOf = (row: number) =>
      row % 2 === 0
        ? new Map([[word('a'), 1]])
        : new Map(Array.from({ length: 2_500 }, () => [word(letters()), random.whole(1, 3)] as const));
    const isMerging = () =>
      database.prepare('select 1 from word_segments where target is not null').get() !== undefined;
    let stepsBetween = 0;
    for (let row = 1; row <= 40; row++) {
      texts.set(row, wordsOf(row));
      const group = new WordGroup();
      group.add(row, tokensOf(texts.get(row) as Map<string, number>));
      segments.add(group, { first: row, last: row });
      segments.merge();
      if (isMerging()) stepsBetween++;
      for (let change = 0; change < 4; change++) {
        const changed = random.whole(1, row);
        if (changed % 2 === 0 ? !isMerging() : random.whole(0, 4) > 0) continue;
        const kept = [...(texts.get(changed) as Map<string, number>)].filter(() => random.whole(0, 9) > 0);
        replace(
          changed,
          new Map([...kept, ...Array.from({ length: 3 }, () => [word(letters()), 1] as const), ['frequent', row]]),
        );
      }
      if (row % 20 === 0) expectSame(segments);
    }
    expect(stepsBetween).toBeGreaterThan(4);
    for (const text of texts.values())
      for (const term of [...text.keys()].slice(0, 40))
        expect(read(segments, term).map(([row]) => row)).toEqual(
          [...texts].flatMap(([row, each]) => (each.has(term) ? [row] : [])),
        );
    for (const row of texts.keys()) replace(row, new Map());
    expect(storedWords(database)).toEqual([]);
  });

  test('have no page and no byte of texts that lost all their words', () => {
    for (let group = 0; group < 40; group++) addGroup(20);
    for (const row of texts.keys()) replace(row, new Map());
    expect(storedWords(database)).toEqual([]);
    expect(database.prepare('select count(*) from word_pages').pluck().get()).toBe(0);
    replace(3, new Map([['again', 2]]));
    expectSame(segments);
  });

  test('divide a page that grows, also in the middle of a list that fills it alone', () => {
    const rows = Array.from({ length: 6_000 }, (_, i) => 2 * i + 2);
    for (const row of rows) texts.set(row, new Map([['frequent', 1]]));
    for (const row of rows) texts.set(row - 1, new Map());
    const group = new WordGroup();
    for (const row of rows) group.add(row, ['frequent']);
    segments.add(group, { first: 1, last: 12_000 });
    const pages = () => database.prepare('select length(page) from word_pages').pluck().all() as number[];
    const before = pages().length;
    for (let i = 0; i < 3_000; i++)
      replace(
        2 * i + 2_001,
        new Map([
          ['frequent', 30_000 + i],
          [`rare${i % 500}`, 1],
        ]),
      );
    expect(pages().length).toBeGreaterThan(before + 3);
    for (const length of pages()) expect(length).toBeLessThanOrEqual(maxPageBytes);
    expectSame(segments);
  });

  test('take few statements to read: sixteen of one level at most, after any number of groups', () => {
    for (let group = 0; group < 600; group++) addGroup(2);
    const most = database
      .prepare(
        'select max(count) from (select count(*) as count from word_segments where target is null group by level)',
      )
      .pluck()
      .get();
    expect(most).toBeLessThan(18);
  });

  test('are the same after a rolled back transaction, once they were read again', () => {
    for (let group = 0; group < 20; group++) addGroup(10);
    const before = storedWords(database);
    const isUndone = new Error('undone');
    const change = database.transaction(() => {
      const known = texts;
      texts = new Map(texts);
      addGroup(10);
      replace(1, randomText());
      texts = known;
      throw isUndone;
    });
    expect(change).toThrow(isUndone);
    segments.reload();
    expect(storedWords(database)).toEqual(before);
    addGroup(10);
    expectSame(segments);
  });
});
