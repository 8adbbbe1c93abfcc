import type { Database, Statement } from 'better-sqlite3';
import { MemoryError } from '../../domain/errors';
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
} from '../../keyword-index/posting-pages';
import type { WordGroup } from '../../keyword-index/word-group';
import type { Checksum } from './checksum';

/** So many segments of one level are merged into one of the next. */
const segmentsPerMerge = 16;
/** A step of a merge writes about so many pages, which takes about 2 ms. */
const pagesPerStep = 12;
/** So many pages of a segment are read at once during a merge. */
const pagesPerRead = 2;

interface Segment {
  readonly id: number;
  readonly level: number;
  /** The lowest and the highest row whose words may be in the segment. */
  readonly first: number;
  readonly last: number;
  /** The segment into which this one is being merged. */
  readonly target: number | null;
}

interface StoredSegment extends Segment {
  readonly checksum: number;
}

interface StoredPage {
  readonly id: number;
  readonly segment: number;
  readonly first: Buffer;
  readonly page: Buffer;
  readonly checksum: number;
}

/**
 * The words of all texts, except those that wait, in segments. A segment has the words of a range of rows. Each group of texts is written
 * as a new segment of level 0. Sixteen segments of one level are merged into one of the next level, in small steps, so that each word is
 * written only a few times, and a search reads few segments. During a merge, each word is either in the old segments or in the new
 * one, never in both. All methods that write must be called in a transaction.
 */
export class WordSegments {
  readonly #database: Database;
  readonly #checksum: Checksum;
  readonly #statements;
  readonly #buffer = newPageBuffer();
  /** In ascending order of their rows. */
  #segments: readonly Segment[] = [];
  #isDamaged = false;
  #canMerge = true;

  constructor(database: Database, checksum: Checksum) {
    this.#database = database;
    this.#checksum = checksum;
    this.#statements = prepareAll(database);
    this.reload();
  }

  /** The last row whose words are in a segment. */
  get through(): number {
    return this.#segments.reduce((last, segment) => Math.max(last, segment.last), 0);
  }

  /** Whether the list of segments does not match its checksums. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** Reads the list of segments again. Needed after a rollback, and after another process has written. */
  reload(): void {
    const stored = this.#statements.segments.all();
    this.#isDamaged = !stored.every((each) => each.checksum === this.#checksumOfSegment(each));
    this.#segments = this.#isDamaged ? [] : stored;
    this.#canMerge = true;
  }

  /** Whether a page belongs to no segment, because its segment was lost. */
  hasStrayPages(): boolean {
    return this.#statements.strayPage.get() !== undefined;
  }

  clear(): void {
    this.#database.exec('delete from word_pages; delete from word_segments');
    this.reload();
  }

  /**
   * Writes the words of new texts, whose rows are higher than all before, as a new segment.
   *
   * @param groupCount How many groups of waiting texts would have had these texts.
   */
  add(group: WordGroup, rows: { readonly first: number; readonly last: number }, groupCount = 1): void {
    // A segment never has a higher level than the one before, so that those of one level are neighbours.
    const lowest = Math.min(...this.#segments.map((segment) => segment.level));
    const level = Math.min(lowest, Math.max(0, Math.floor(Math.log(groupCount) / Math.log(segmentsPerMerge))));
    const id = this.#addSegment({ level, ...rows, target: null });
    const writer = new PageWriter(this.#buffer, (written) => this.#insertPage(id, written));
    group.writeTo(writer);
    writer.flush();
  }

  /** Does one step of the merges that are due. */
  merge(): void {
    if (!this.#canMerge) return;
    this.#beginMerges();
    const targets = this.#segments.filter(({ id }) => this.#segments.some(({ target }) => target === id));
    const [next] = targets.sort((a, b) => a.level - b.level);
    if (next === undefined) return;
    try {
      this.#mergeInto(next);
    } catch (error) {
      if (!isDamagedWords(error)) throw error;
      // Nothing was written yet. A search for one of these words fails, and verify() finds the page. The write must not fail.
      this.#canMerge = false;
    }
  }

  /**
   * Returns the rows that have a term, in ascending order.
   *
   * @throws RECORD_DAMAGED
   */
  read(term: string): PostingList {
    try {
      return this.#read(term);
    } catch (error) {
      throw isDamagedWords(error) ? damagedWords(error) : error;
    }
  }

  #read(term: string): PostingList {
    if (this.#isDamaged) throw new MalformedPage();
    const found = new PostingList(256);
    const bytes = termBytes(term);
    const lastPages = this.#statements.lastPages.all(bytes).sort((a, b) => a.firstRow - b.firstRow);
    for (const last of lastPages) {
      // The list of a frequent term takes several pages. The last of them was found.
      if (last.first.equals(bytes)) {
        for (const earlier of this.#earlierPages(last, bytes)) this.#readFrom(earlier, bytes, found);
      }
      this.#readFrom(last, bytes, found);
    }
    if (!found.isAscending()) throw new MalformedPage();
    return found;
  }

  /**
   * Compares pages with their checksums, in the order of their ids. Returns how many were compared, the highest of their ids, and
   * whether one differs.
   */
  checkPages(
    after: number,
    limit: number,
  ): { readonly count: number; readonly last: number; readonly isDamaged: boolean } {
    const pages = this.#statements.pages.all(after, limit);
    const isDamaged =
      this.#isDamaged || pages.some(({ segment, page, checksum }) => checksum !== this.#checksumOfPage(segment, page));
    return { count: pages.length, last: pages.at(-1)?.id ?? after, isDamaged };
  }

  /**
   * Changes how often each term occurs in a row. A frequency of 0 removes the row from the list of the term.
   *
   * @throws MalformedPage
   */
  change(row: number, frequencies: ReadonlyMap<string, number>): void {
    if (this.#isDamaged) throw new MalformedPage();
    const edits = new Map<number, Edit[]>();
    const owners = this.#segments.filter(({ first, last }) => first <= row && row <= last);
    for (const term of sortTerms([...frequencies.keys()])) {
      const bytes = termBytes(term);
      const frequency = frequencies.get(term) as number;
      const inserted = frequency === 0 ? undefined : this.#segmentFor(owners, bytes);
      for (const { id } of owners)
        this.#planEdit(edits, id, { term: bytes, row, frequency: id === inserted?.id ? frequency : 0 });
    }
    for (const [id, planned] of edits) this.#edit(id, planned);
  }

  #beginMerges(): void {
    const idle = this.#segments.filter(({ id, target }) => target === null && !this.#isTarget(id));
    for (const level of new Set(idle.map((segment) => segment.level))) {
      const merging = this.#segments.some((segment) => segment.level === level && segment.target !== null);
      const sources = idle.filter((segment) => segment.level === level).slice(0, segmentsPerMerge);
      if (merging || sources.length < segmentsPerMerge) continue;
      const rows = { first: sources[0]?.first as number, last: sources.at(-1)?.last as number };
      const target = this.#addSegment({ level: level + 1, ...rows, target: null });
      for (const source of sources) this.#replaceSegment({ ...source, target });
    }
  }

  #isTarget(id: number): boolean {
    return this.#segments.some(({ target }) => target === id);
  }

  #mergeInto(target: Segment): void {
    const cursors = this.#segments
      .filter((segment) => segment.target === target.id)
      .map((segment) => new SegmentCursor(segment, (after) => this.#pagesAfter(segment, after)));
    const written: WrittenPage[] = [];
    const writer = new PageWriter(this.#buffer, (page) => written.push(copyOf(page)));
    const list = new PostingList(1024);
    while (written.length < pagesPerStep) {
      // By their places, because iterators would make a sixth of the garbage of a write.
      let least: SegmentCursor | undefined;
      for (let i = 0; i < cursors.length; i++) if (cursors[i]!.isBefore(least)) least = cursors[i];
      if (least === undefined) break;
      const { key, reader } = least;
      const { page, term, termEnd } = reader;
      list.length = 0;
      for (let i = 0; i < cursors.length; i++) if (cursors[i]!.key === key) cursors[i]!.take(list, page, term, termEnd);
      writer.add(page, list, term, termEnd);
    }
    writer.flush();
    // All of them are read before the first is written, because a damaged page ends the step.
    const rests = cursors.map((cursor) => cursor.rest());
    for (const [i, { segment }] of cursors.entries()) {
      const rest = rests[i];
      if (rest !== undefined) this.#updatePage(rest.id, segment.id, rest);
    }
    // Until then a segment without words stays, too: a change of its rows adds words to it that were not merged yet.
    if (cursors.every(({ isAtEnd }) => isAtEnd)) for (const { segment } of cursors) this.#deleteSegment(segment);
    // Uses the places of old pages for new ones, because an overwritten page costs one write, and a deleted one another.
    const places = cursors.flatMap(({ consumed }) => consumed);
    for (const [i, page] of written.entries()) {
      const place = places[i];
      if (place === undefined) this.#insertPage(target.id, page);
      else this.#updatePage(place, target.id, page);
    }
    for (const place of places.slice(written.length)) this.#statements.deletePage.run(place);
  }

  #pagesAfter({ id }: Segment, after: WrittenPage | undefined): PlacedPage[] {
    const pages =
      after === undefined
        ? this.#statements.firstPages.all(id, pagesPerRead)
        : this.#statements.pagesAfter.all(id, after.first, after.row, pagesPerRead);
    for (const page of pages) this.#check(page);
    return pages;
  }

  *#earlierPages({ id, segment }: StoredPage, term: Buffer): Generator<StoredPage> {
    const found: StoredPage[] = [];
    for (const page of this.#statements.pagesUpTo.iterate(segment, term)) {
      if (page.id !== id) found.push(page);
      if (!page.first.equals(term)) break;
    }
    yield* found.reverse();
  }

  #readFrom(page: StoredPage, term: Buffer, found: PostingList): void {
    this.#check(page);
    const reader = new PageReader(page.page);
    while (reader.next()) {
      const order = reader.compareTo(term);
      if (order === 0) reader.readInto(found);
      if (order >= 0) return;
    }
  }

  /** The segment to which a term of a row is added. During a merge, the new segment has the terms up to the last that was merged. */
  #segmentFor(owners: readonly Segment[], term: Buffer): Segment {
    const [first] = owners;
    if (first === undefined) throw new MalformedPage();
    const source = owners.find(({ target }) => owners.some(({ id }) => id === target));
    if (source === undefined) return first;
    const target = owners.find(({ id }) => id === source.target) as Segment;
    const last = this.#statements.lastPage.get(target.id);
    if (last === undefined) return source;
    const reader = new PageReader(this.#check(last).page);
    let isMerged = false;
    while (!isMerged && reader.next()) isMerged = reader.compareTo(term) >= 0;
    return isMerged ? target : source;
  }

  #planEdit(edits: Map<number, Edit[]>, segment: number, edit: Edit): void {
    const { term, row, frequency } = edit;
    let page = this.#statements.pageWith.get(segment, term, row)?.id;
    if (page === undefined && frequency === 0) return;
    page ??= this.#statements.firstPages.get(segment, 1)?.id;
    page ??= this.#insertPage(segment, { first: term, row, page: Buffer.alloc(0) });
    const planned = edits.get(page);
    if (planned === undefined) edits.set(page, [edit]);
    else planned.push(edit);
  }

  #edit(id: number, edits: readonly Edit[]): void {
    const stored = this.#check(this.#statements.page.get(id) as StoredPage & WrittenPage);
    const edited = this.#edited(stored.page, edits);
    if (edited === undefined) return;
    const [first, ...others] = this.#split(edited);
    if (first === undefined) this.#statements.deletePage.run(id);
    else if (first.row === stored.row && first.first.equals(stored.first)) {
      // With its key, SQLite would also write the page of the index again.
      this.#statements.updateContent.run(first.page, this.#checksumOfPage(stored.segment, first.page), id);
    } else this.#updatePage(id, stored.segment, first);
    for (const page of others) this.#insertPage(stored.segment, page);
  }

  /** Returns the entries of a page after changes, which are sorted by term. Undefined if nothing changes. */
  #edited(page: Buffer, edits: readonly Edit[]): Buffer | undefined {
    const parts: Buffer[] = [];
    const reader = new PageReader(page);
    let copied = 0;
    let isAtEnd = !reader.next();
    for (const { term, row, frequency } of edits) {
      while (!isAtEnd && reader.compareTo(term) < 0) isAtEnd = !reader.next();
      const isThere = !isAtEnd && reader.compareTo(term) === 0;
      const entry = isThere ? changedEntry(reader, row, frequency) : frequency > 0 && newEntry(term, row, frequency);
      if (!entry) continue;
      const at = isAtEnd ? page.length : reader.start;
      parts.push(page.subarray(copied, at), entry);
      copied = isThere ? reader.end : at;
    }
    return parts.length === 0 ? undefined : Buffer.concat([...parts, page.subarray(copied)]);
  }

  /** Divides entries into pages. */
  #split(entries: Buffer): WrittenPage[] {
    const reader = new PageReader(entries);
    const written: WrittenPage[] = [];
    if (entries.length > maxPageBytes) {
      const writer = new PageWriter(this.#buffer, (page) => written.push(copyOf(page)));
      while (reader.next()) writer.copy(reader);
      writer.flush();
    } else if (reader.next()) {
      written.push({ first: entries.subarray(reader.term, reader.termEnd), row: reader.firstRow(), page: entries });
    }
    return written;
  }

  #insertPage(segment: number, { first, row, page }: WrittenPage): number {
    const checksum = this.#checksumOfPage(segment, page);
    return Number(this.#statements.insertPage.run(segment, first, row, page, checksum).lastInsertRowid);
  }

  #updatePage(id: number, segment: number, { first, row, page }: WrittenPage): void {
    this.#statements.updatePage.run(segment, first, row, page, this.#checksumOfPage(segment, page), id);
  }

  #addSegment(segment: Omit<Segment, 'id'>): number {
    // Ids are not reused, so that a page never seems to be of a later segment.
    const id = this.#segments.reduce((highest, each) => Math.max(highest, each.id), 0) + 1;
    this.#replaceSegment({ id, ...segment });
    return id;
  }

  #replaceSegment(segment: Segment): void {
    const { id, level, first, last, target } = segment;
    this.#statements.putSegment.run(id, level, first, last, target, this.#checksumOfSegment(segment));
    const others = this.#segments.filter((each) => each.id !== id);
    this.#segments = [...others, segment].sort((a, b) => a.first - b.first || a.id - b.id);
  }

  #deleteSegment({ id }: Segment): void {
    this.#statements.deleteSegment.run(id);
    this.#segments = this.#segments.filter((each) => each.id !== id);
  }

  #check<P extends Pick<StoredPage, 'segment' | 'page' | 'checksum'>>(stored: P): P {
    if (stored.checksum !== this.#checksumOfPage(stored.segment, stored.page)) throw new MalformedPage();
    return stored;
  }

  #checksumOfPage(segment: number, page: Buffer): number {
    // A segment number has 32 bits.
    return (this.#checksum.ofBytes(page) ^ segment) >>> 0;
  }

  #checksumOfSegment({ id, level, first, last, target }: Segment): number {
    return this.#checksum.ofBytes(Buffer.from(JSON.stringify([id, level, first, last, target])));
  }
}

interface Edit {
  readonly term: Buffer;
  readonly row: number;
  readonly frequency: number;
}

function copyOf({ first, row, page }: WrittenPage): WrittenPage {
  const copy = Buffer.from(page);
  return { first: copy.subarray(1, 1 + first.length), row, page: copy };
}

type PlacedPage = WrittenPage & { readonly id: number };
/** Reads the next pages of a segment after a page, or its first pages. */
type ReadPages = (after: WrittenPage | undefined) => readonly PlacedPage[];

/** Reads the entries of one segment in order, and remembers which of its pages were read wholly. */
class SegmentCursor {
  readonly segment: Segment;
  readonly consumed: number[] = [];
  readonly #read: ReadPages;
  #pages: readonly PlacedPage[] = [];
  #at = -1;
  /** The first six bytes of the current term as a number. Most comparisons need no more. */
  key = 0;
  reader = new PageReader(Buffer.alloc(0));
  isAtEnd = false;

  constructor(segment: Segment, read: ReadPages) {
    this.segment = segment;
    this.#read = read;
    this.#next();
  }

  isBefore(other: SegmentCursor | undefined): boolean {
    if (this.isAtEnd) return false;
    if (other === undefined || this.key !== other.key) return other === undefined || this.key < other.key;
    return this.reader.compareTo(other.reader.page, other.reader.term, other.reader.termEnd) < 0;
  }

  /** If its current term is the one in `bytes` from `from` to `to`, appends its rows and goes on to the next term. */
  take(list: PostingList, bytes: Buffer, from: number, to: number): void {
    while (!this.isAtEnd && this.reader.compareTo(bytes, from, to) === 0) {
      this.reader.readInto(list);
      this.#next();
    }
  }

  /** What remains of a page of which some entries were read. */
  rest(): PlacedPage | undefined {
    const { reader } = this;
    if (this.isAtEnd || reader.start === 0) return undefined;
    const { id } = this.#pages[this.#at] as { id: number };
    const page = reader.page.subarray(reader.start);
    return { id, first: reader.page.subarray(reader.term, reader.termEnd), row: reader.firstRow(), page };
  }

  #next(): void {
    while (!this.reader.next()) {
      const current = this.#pages[this.#at];
      if (current !== undefined) this.consumed.push(current.id);
      if (++this.#at >= this.#pages.length) {
        this.#pages = this.#read(current);
        this.#at = 0;
      }
      const page = this.#pages[this.#at];
      if (page === undefined) {
        this.isAtEnd = true;
        return;
      }
      this.reader = new PageReader(page.page);
    }
    const { page, term, termEnd } = this.reader;
    let key = 0;
    for (let i = term; i < term + 6; i++) key = key * 256 + (i < termEnd ? page[i]! : 0);
    this.key = key;
  }
}

/** Checks for the error that a damaged page or list of segments causes. */
export function isDamagedWords(error: unknown): error is MalformedPage {
  return error instanceof MalformedPage;
}

function damagedWords(cause: unknown): MemoryError {
  const message = 'The keyword index is damaged. Call verify({ repair: true }), which rebuilds it from the texts.';
  return new MemoryError('RECORD_DAMAGED', message, { cause });
}

function prepareAll(database: Database) {
  const pages = 'select id, segment, first, row, page, checksum from word_pages';
  type Page = StoredPage & WrittenPage;
  const read = <P extends unknown[], R>(sql: string) => database.prepare(sql) as Statement<P, R>;
  return {
    segments: read<[], StoredSegment>(
      'select id, level, first, last, target, checksum from word_segments order by first, id',
    ),
    putSegment: database.prepare(
      'replace into word_segments (id, level, first, last, target, checksum) values (?, ?, ?, ?, ?, ?)',
    ),
    deleteSegment: database.prepare('delete from word_segments where id = ?'),
    strayPage: database.prepare(
      'select segment from (select distinct segment from word_pages) where segment not in (select id from word_segments)',
    ),
    pages: read<[number, number], Page>(`${pages} where id > ? order by id limit ?`),
    page: read<[number], Page>(`${pages} where id = ?`),
    /** In each segment, the last page that may have the term. */
    lastPages: read<[Buffer], Page & { firstRow: number }>(
      `select pages.id, pages.segment, pages.first, pages.row, pages.page, pages.checksum, word_segments.first as firstRow
       from word_segments cross join word_pages as pages on pages.id = (
         select id from word_pages where segment = word_segments.id and first <= ? order by first desc, row desc limit 1
       )`,
    ),
    pagesUpTo: read<[number, Buffer], Page>(`${pages} where segment = ? and first <= ? order by first desc, row desc`),
    firstPages: read<[number, number], Page>(`${pages} where segment = ? order by first, row limit ?`),
    pagesAfter: read<[number, Buffer, number, number], Page>(
      `${pages} where segment = ? and (first, row) > (?, ?) order by first, row limit ?`,
    ),
    lastPage: read<[number], Page>(`${pages} where segment = ? order by first desc, row desc limit 1`),
    pageWith: read<[number, Buffer, number], { id: number }>(
      'select id from word_pages where segment = ? and (first, row) <= (?, ?) order by first desc, row desc limit 1',
    ),
    insertPage: database.prepare('insert into word_pages (segment, first, row, page, checksum) values (?, ?, ?, ?, ?)'),
    updatePage: database.prepare(
      'update word_pages set segment = ?, first = ?, row = ?, page = ?, checksum = ? where id = ?',
    ),
    updateContent: database.prepare('update word_pages set page = ?, checksum = ? where id = ?'),
    deletePage: database.prepare('delete from word_pages where id = ?'),
  };
}
