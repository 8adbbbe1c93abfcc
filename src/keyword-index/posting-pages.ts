/**
 * The stored form of postings: pages of entries, sorted by term. One entry has a term and some of the rows whose texts contain it, in
 * ascending order, each with the number of occurrences. An entry that does not fit goes on in the next page, with the same term.
 *
 * An entry is the length of the term (1 byte), the term in UTF-8, the length of the list (2 bytes, the lower first) and the list. In the
 * list, each row is a number of variable length (7 bits a byte, the lowest first): the distance to the row before, times two, plus one if
 * the number of occurrences less two follows, because it is not one.
 */

/** The size up to which pages are filled. A page with its key then fits into one page of SQLite, which has 4,096 bytes. */
export const maxPageBytes = 3_960;

/** The largest number of occurrences in one text that is stored. */
export const maxFrequency = 0xffff;

/** The most bytes of a term: the analyzer cuts words after 64 units of UTF-16. */
const maxTermBytes = 255;
const headBytes = 3;
// The most that one row takes: five bytes for the distance and three for the occurrences.
const bytesPerPosting = 8;
// If less room is left in a page, a list begins in the next.
const minRoom = headBytes + 8 * bytesPerPosting;

/** Converts a term to its stored form. No term of the analyzer takes more than 192 bytes. */
export function termBytes(term: string): Buffer {
  return Buffer.from(term);
}

// With the first five letters of a word and its place in the list, a number has 52 bits.
const lettersPerKey = 5;
const maxKeys = 2 ** 17;

/** Returns terms in the order of their bytes in UTF-8. */
export function sortTerms(terms: readonly string[]): string[] {
  return orderOfTerms(terms).map((place) => terms[place]!);
}

/** Returns the places of terms in their list, in the order of their bytes in UTF-8. */
export function orderOfTerms(terms: readonly string[]): number[] {
  const inOrder = (a: number, b: number) => inByteOrder(terms[a]!, terms[b]!);
  if (terms.length > maxKeys) return terms.map((_, place) => place).sort(inOrder);
  const keys = new Float64Array(terms.length);
  for (let i = 0; i < terms.length; i++) {
    const term = terms[i]!;
    let key = 0;
    for (let at = 0; at < lettersPerKey; at++) {
      const unit = at < term.length ? term.charCodeAt(at) : 0;
      if (unit >= 128) return terms.map((_, place) => place).sort(inOrder);
      key = key * 128 + unit;
    }
    keys[i] = key * maxKeys + i;
  }
  // Sorting numbers takes half the time of sorting texts.
  keys.sort();
  const places: number[] = [];
  for (let i = 0; i < keys.length; i++) places.push(keys[i]! % maxKeys);
  for (let from = 0, to = 1; from < places.length; from = to++) {
    const letters = Math.floor(keys[from]! / maxKeys);
    while (to < places.length && Math.floor(keys[to]! / maxKeys) === letters) to++;
    if (to - from > 1) sortRange(places, from, to, inOrder);
  }
  return places;
}

// Moving places one by one is faster for a few, but takes the square of their number.
const maxMoved = 16;

function sortRange(places: number[], from: number, to: number, inOrder: (a: number, b: number) => number): void {
  if (to - from > maxMoved) {
    for (const [i, place] of places.slice(from, to).sort(inOrder).entries()) places[from + i] = place;
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const place = places[i]!;
    let at = i;
    for (; at > from && inOrder(places[at - 1]!, place) > 0; at--) places[at] = places[at - 1]!;
    places[at] = place;
  }
}

/** Only surrogates have another order in UTF-16, because in UTF-8 the characters beyond the first 65,536 come after all others. */
function inByteOrder(a: string, b: string): number {
  if (beyond.test(a) && beyond.test(b)) return Buffer.compare(termBytes(a), termBytes(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

const beyond = /[\ud800-\uffff]/;

/** Thrown for a page that no `PageWriter` has written. */
export class MalformedPage extends Error {
  constructor() {
    super('A page of the keyword index is malformed.');
  }
}

/** Rows and their numbers of occurrences. Only the first `length` entries are used. */
export class PostingList {
  rows: Uint32Array;
  frequencies: Uint16Array;
  length = 0;

  constructor(capacity = 16) {
    this.rows = new Uint32Array(capacity);
    this.frequencies = new Uint16Array(capacity);
  }

  push(row: number, frequency: number): void {
    if (this.length === this.rows.length) this.reserve(1);
    this.rows[this.length] = row;
    this.frequencies[this.length++] = frequency;
  }

  /** Whether each row is higher than the one before. */
  isAscending(): boolean {
    const { rows, length } = this;
    for (let i = 1; i < length; i++) if (rows[i]! <= rows[i - 1]!) return false;
    return true;
  }

  /** Makes room for this many more rows. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.rows.length) return;
    const capacity = Math.max(needed, Math.ceil(this.rows.length * 1.5));
    const rows = new Uint32Array(capacity);
    const frequencies = new Uint16Array(capacity);
    rows.set(this.rows.subarray(0, this.length));
    frequencies.set(this.frequencies.subarray(0, this.length));
    this.rows = rows;
    this.frequencies = frequencies;
  }
}

/** Reads the entries of a page in order. */
export class PageReader {
  readonly page: Buffer;
  /** The bytes of the current entry are from `start` to `end`, those of its term from `term` to `list`. */
  start = 0;
  term = 0;
  list = 0;
  end = 0;

  constructor(page: Buffer) {
    this.page = page;
  }

  /** Goes to the next entry. Returns false at the end of the page. */
  next(): boolean {
    const { page } = this;
    const start = this.end;
    if (start >= page.length) return false;
    const length = page[start]!;
    const list = start + headBytes + length;
    const end = list + page[start + 1 + length]! + (page[start + 2 + length]! << 8);
    // Also for a length beyond the end, which is NaN.
    if (!(end <= page.length) || length === 0 || end === list) throw new MalformedPage();
    this.start = start;
    this.term = start + 1;
    this.list = list;
    this.end = end;
    return true;
  }

  get termEnd(): number {
    return this.list - 2;
  }

  /** Compares the term of the current entry with another, which is in `bytes` from `from` to `to`. */
  compareTo(bytes: Uint8Array, from = 0, to = bytes.length): number {
    const { page, term, termEnd } = this;
    const shorter = Math.min(termEnd - term, to - from);
    for (let i = 0; i < shorter; i++) {
      const difference = page[term + i]! - bytes[from + i]!;
      if (difference !== 0) return difference;
    }
    return termEnd - term - (to - from);
  }

  /** Returns the first row of the current entry. */
  firstRow(): number {
    const one = new PostingList(1);
    readList(this.page, this.list, this.end, one, 1);
    return one.rows[0]!;
  }

  /** Appends the rows of the current entry to a list. */
  readInto(found: PostingList): void {
    found.reserve((this.end - this.list) >>> 0);
    readList(this.page, this.list, this.end, found, Number.POSITIVE_INFINITY);
  }
}

function readList(page: Buffer, from: number, end: number, found: PostingList, limit: number): void {
  const { rows, frequencies } = found;
  let { length } = found;
  const last = Math.min(rows.length, length + limit);
  let row = 0;
  let at = from;
  while (at < end && length < last) {
    let byte = page[at++]!;
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 128 && at < end; scale *= 128) {
      byte = page[at++]!;
      value += (byte & 0x7f) * scale;
    }
    let frequency = 1;
    if (value % 2 === 1) {
      frequency = 2;
      byte = 128;
      for (let scale = 1; byte >= 128 && at < end; scale *= 128) {
        byte = page[at++]!;
        frequency += (byte & 0x7f) * scale;
      }
      value--;
    }
    // A list that ends within a number, or repeats a row.
    if (byte >= 128 || value === 0) throw new MalformedPage();
    row += value / 2;
    rows[length] = row;
    frequencies[length++] = frequency;
  }
  found.length = length;
}

/** Reads the rows of a list one by one, without a copy of the list. */
class ListReader {
  readonly #page: Buffer;
  readonly #end: number;
  /** The current row, its number of occurrences, and its bytes from `start` to `at`. */
  row = 0;
  frequency = 0;
  start = 0;
  at: number;

  constructor(page: Buffer, from: number, end: number) {
    this.#page = page;
    this.#end = end;
    this.at = from;
  }

  next(): boolean {
    this.start = this.at;
    if (this.at >= this.#end) return false;
    const value = this.#number();
    this.row += Math.floor(value / 2);
    this.frequency = value % 2 === 1 ? this.#number() + 2 : 1;
    return true;
  }

  #number(): number {
    let value = 0;
    for (let scale = 1; this.at < this.#end; scale *= 128) {
      const byte = this.#page[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 128) return value;
    }
    throw new MalformedPage();
  }
}

/**
 * Changes the number of occurrences in one row of an entry. Returns the bytes of the new entry, which are none if no row is left.
 * Returns undefined if nothing changes.
 */
export function changedEntry(entry: PageReader, row: number, frequency: number): Buffer | undefined {
  const { page, start, list, end } = entry;
  const reader = new ListReader(page, list, end);
  let before = 0;
  let isLater = reader.next();
  for (; isLater && reader.row < row; isLater = reader.next()) before = reader.row;
  const isThere = isLater && reader.row === row;
  if (frequency === (isThere ? reader.frequency : 0)) return undefined;
  const kept = reader.start;
  const changed = Buffer.allocUnsafe(2 * bytesPerPosting);
  let length = frequency === 0 ? 0 : writePosting(changed, 0, row - before, frequency);
  // The row that follows has its distance to another row now.
  if (isThere) isLater = reader.next();
  const follows = frequency === 0 ? before : row;
  if (isLater) length = writePosting(changed, length, reader.row - follows, reader.frequency);
  const bytes = kept - list + length + (end - reader.at);
  if (bytes === 0) return Buffer.alloc(0);
  const head = Buffer.from(page.subarray(start, list));
  head.writeUInt16LE(bytes, head.length - 2);
  return Buffer.concat([head, page.subarray(list, kept), changed.subarray(0, length), page.subarray(reader.at, end)]);
}

/** Returns the bytes of an entry with one row. */
export function newEntry(term: Uint8Array, row: number, frequency: number): Buffer {
  const entry = Buffer.allocUnsafe(headBytes + term.length + bytesPerPosting);
  entry[0] = term.length;
  entry.set(term, 1);
  const list = headBytes + term.length;
  const end = writePosting(entry, list, row, frequency);
  entry.writeUInt16LE(end - list, list - 2);
  return entry.subarray(0, end);
}

/** Writes one row of a list, and returns where it ends. */
function writePosting(buffer: Buffer, from: number, distance: number, frequency: number): number {
  let at = from;
  let value = distance * 2 + (frequency > 1 ? 1 : 0);
  for (; value >= 128; value = Math.floor(value / 128)) buffer[at++] = (value % 128) + 128;
  buffer[at++] = value;
  if (frequency === 1) return at;
  for (value = frequency - 2; value >= 128; value >>>= 7) buffer[at++] = (value & 0x7f) + 128;
  buffer[at++] = value;
  return at;
}

/** Makes room for one page that is being written. */
export function newPageBuffer(): Buffer {
  return Buffer.allocUnsafe(maxPageBytes + minRoom);
}

/** A page with the keys under which it is found: its first term and the first row of this term. */
export interface WrittenPage {
  readonly first: Buffer;
  readonly row: number;
  readonly page: Buffer;
}

/** Writes entries in the order of their terms, and within a term in the order of their rows. */
export class PageWriter {
  readonly #buffer: Buffer;
  readonly #onPage: (page: WrittenPage) => void;
  readonly #occurrences = new PostingList();
  readonly #term = Buffer.alloc(maxTermBytes);
  #at = 0;
  #firstRow = 0;
  /** The number of pages that were passed to `onPage`. */
  pages = 0;

  /** @param buffer What `newPageBuffer` returned. No other writer may use it meanwhile. */
  constructor(buffer: Buffer, onPage: (page: WrittenPage) => void) {
    this.#buffer = buffer;
    this.#onPage = onPage;
  }

  /** Adds the rows of a term, whose bytes are in `bytes` from `from` to `to`. */
  add(bytes: Uint8Array, list: PostingList, from = 0, to = bytes.length): void {
    for (let next = 0; next < list.length; ) {
      this.#addTerm(bytes, from, to, list.rows[next]!);
      next = this.#addRows(list, next);
    }
  }

  /** Adds the rows of a term, which are in a list from `from` to `to`. They ascend, and a row is repeated for each occurrence. */
  addOccurrences(term: string, rows: Uint32Array, from: number, to: number): void {
    const list = this.#occurrences;
    list.length = 0;
    for (let at = from; at < to; ) {
      const row = rows[at]!;
      const first = at;
      do at++;
      while (at < to && rows[at] === row);
      list.push(row, Math.min(at - first, maxFrequency));
    }
    const bytes = this.#term;
    for (let i = 0; i < term.length; i++) {
      const unit = term.charCodeAt(i);
      if (unit >= 128) {
        this.add(termBytes(term), list);
        return;
      }
      bytes[i] = unit;
    }
    this.add(bytes, list, 0, term.length);
  }

  /** Copies the current entry of a page as it is, unless it is too long for one page. */
  copy(entry: PageReader): void {
    const { page, start, end, term, termEnd } = entry;
    if (end - start > maxPageBytes) {
      const list = new PostingList();
      entry.readInto(list);
      this.add(page, list, term, termEnd);
      return;
    }
    if (this.#at + end - start > maxPageBytes) this.flush();
    if (this.#at === 0) this.#firstRow = entry.firstRow();
    page.copy(this.#buffer, this.#at, start, end);
    this.#at += end - start;
  }

  /** Passes the page that was begun to `onPage`. It is valid during this call only. */
  flush(): void {
    if (this.#at === 0) return;
    const page = this.#buffer.subarray(0, this.#at);
    const first = page.subarray(1, 1 + page[0]!);
    this.#at = 0;
    this.pages++;
    this.#onPage({ first, row: this.#firstRow, page });
  }

  #addTerm(bytes: Uint8Array, from: number, to: number, firstRow: number): void {
    if (this.#at + to - from + minRoom > maxPageBytes) this.flush();
    if (this.#at === 0) this.#firstRow = firstRow;
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = to - from;
    // Faster than `set` for some bytes.
    for (let i = from; i < to; i++) buffer[at++] = bytes[i]!;
    this.#at = at + 2;
  }

  /** Adds the rows from `from` that fit into the page. Returns how far it came. */
  #addRows({ rows, frequencies, length }: PostingList, from: number): number {
    const buffer = this.#buffer;
    const list = this.#at;
    let at = list;
    let before = 0;
    let next = from;
    for (; next < length && at + bytesPerPosting <= maxPageBytes; next++) {
      const row = rows[next]!;
      at = writePosting(buffer, at, row - before, frequencies[next]!);
      before = row;
    }
    buffer[list - 2] = (at - list) & 0xff;
    buffer[list - 1] = (at - list) >>> 8;
    this.#at = at;
    return next;
  }
}
