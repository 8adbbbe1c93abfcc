import type { Database } from 'better-sqlite3';
import { PageReader, PostingList } from '../../src/keyword-index/posting-pages';

/** Everything that the tables of the keyword index contain, by term and row. */
export function storedWords(database: Database): [term: string, row: number, frequency: number][] {
  const pages = database.prepare('select page from word_pages order by first, row, segment').pluck().all() as Buffer[];
  const found: [string, number, number][] = [];
  for (const page of pages) {
    const reader = new PageReader(page);
    while (reader.next()) {
      const list = new PostingList();
      reader.readInto(list);
      const term = page.subarray(reader.term, reader.termEnd).toString();
      for (let i = 0; i < list.length; i++) found.push([term, list.rows[i] as number, list.frequencies[i] as number]);
    }
  }
  return found.sort(([a, rowA], [b, rowB]) => (a < b ? -1 : a > b ? 1 : rowA - rowB));
}
