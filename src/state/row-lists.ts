/**
 * Lists of rows, one for each number from 1. A row is in at most one list. Adding and removing a row takes the same time however long
 * its list is. A row takes 8 bytes, and so does a list.
 */
export class RowLists {
  // Each list is linked in both directions, because a row must be removed without a search for it. 0 stands for no row.
  #next = new Uint32Array(0);
  #previous = new Uint32Array(0);
  #last = new Uint32Array(0);
  #counts = new Uint32Array(0);

  /** The number of rows in a list. */
  count(list: number): number {
    return this.#counts[list] ?? 0;
  }

  /** The number of bytes that the arrays take. */
  get bytes(): number {
    return bytesOf(this.#next, this.#previous, this.#last, this.#counts);
  }

  /** Adds a row, which must not be in any list, at the end of a list. */
  add(row: number, list: number): void {
    [this.#next, this.#previous] = [withRoom(this.#next, row), withRoom(this.#previous, row)];
    [this.#last, this.#counts] = [withRoom(this.#last, list), withRoom(this.#counts, list)];
    const last = this.#last[list] as number;
    if (last !== 0) this.#next[last] = row;
    this.#previous[row] = last;
    this.#next[row] = 0;
    this.#last[list] = row;
    this.#counts[list] = this.count(list) + 1;
  }

  /** Removes a row from the list that it is in. */
  remove(row: number, list: number): void {
    const [next, previous] = [this.#next[row] as number, this.#previous[row] as number];
    if (next === 0) this.#last[list] = previous;
    else this.#previous[next] = previous;
    if (previous !== 0) this.#next[previous] = next;
    this.#counts[list] = this.count(list) - 1;
  }

  /** Copies the rows of a list into an array, so that they end before the position `end`. Returns the position of the first of them. */
  copy(list: number, to: Uint32Array, end: number): number {
    let at = end;
    for (let row = this.#last[list] ?? 0; row !== 0; row = this.#previous[row] as number) to[--at] = row;
    return at;
  }
}

/** Numbers for texts, from 1. A number that is not used any more is given to another text. */
class TextNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #texts: (string | undefined)[] = [undefined];
  readonly #free: number[] = [];
  #letters = 0;

  /** The approximate number of bytes of RAM. The map and the two lists take about 64 bytes for a text, and the text takes 24 and its letters. */
  get bytes(): number {
    return this.#numbers.size * 88 + this.#letters;
  }

  /** How many texts have a number. */
  get size(): number {
    return this.#numbers.size;
  }

  find(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  give(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#free.pop() ?? this.#texts.length;
    this.#numbers.set(text, number);
    this.#texts[number] = text;
    this.#letters += text.length;
    return number;
  }

  end(number: number): void {
    const text = this.#texts[number] as string;
    this.#numbers.delete(text);
    this.#texts[number] = undefined;
    this.#letters -= text.length;
    this.#free.push(number);
  }
}

/** The value of one field for each row, such as its user, and the rows with each value. A field without values takes no RAM. */
export class FieldRows {
  readonly #lists = new RowLists();
  readonly #numbers = new TextNumbers();
  /** For each row the number of its value; 0 if it has none. */
  #numberOf = new Uint32Array(0);

  /** The approximate number of bytes of RAM. */
  get bytes(): number {
    return this.#lists.bytes + this.#numbers.bytes + bytesOf(this.#numberOf);
  }

  /** Sets the value of a row. */
  set(row: number, value: string | null): void {
    const before = this.#numberOf[row] ?? 0;
    if (before === 0 && value === null) return;
    const after = value === null ? 0 : this.#numbers.give(value);
    if (before === after) return;
    if (before !== 0) this.#lists.remove(row, before);
    if (before !== 0 && this.#lists.count(before) === 0) this.#numbers.end(before);
    this.#numberOf = withRoom(this.#numberOf, row);
    this.#numberOf[row] = after;
    if (after !== 0) this.#lists.add(row, after);
  }

  /** The number of rows with a value. */
  count(value: string): number {
    const number = this.#numbers.find(value);
    return number === undefined ? 0 : this.#lists.count(number);
  }

  /** The rows with a value, in no order. */
  rows(value: string): Uint32Array {
    return this.rowsWith(this.#numbers.find(value) ?? 0);
  }

  /** Whether any row has a value. */
  get isUsed(): boolean {
    return this.#numbers.size > 0;
  }

  /** The number that stands for the value of a row; 0 if it has none. It is right until the next change of a row. */
  numberOf(row: number): number {
    return this.#numberOf[row] ?? 0;
  }

  /** The rows whose value has this number, in no order. */
  rowsWith(number: number): Uint32Array {
    const rows = new Uint32Array(this.#lists.count(number));
    this.#lists.copy(number, rows, rows.length);
    return rows;
  }

  /** Returns a test for rows with a value. It is right until the next change of a row. */
  test(value: string): (row: number) => boolean {
    const number = this.#numbers.find(value);
    const numberOf = this.#numberOf;
    return number === undefined ? () => false : (row) => numberOf[row] === number;
  }
}

/** The tags of each row, and the rows with each tag. Each tag of each row is an entry, which takes 20 bytes. */
export class TagRows {
  readonly #lists = new RowLists();
  readonly #numbers = new TextNumbers();
  // Entries are numbered from 1, and 0 stands for none. The entries of a row are linked, and so are those that are free.
  #firstOf = new Uint32Array(0);
  #rowOf = new Uint32Array(0);
  #tagOf = new Uint32Array(0);
  #nextOf = new Uint32Array(0);
  #free = 0;
  #used = 0;

  /** The approximate number of bytes of RAM. */
  get bytes(): number {
    return this.#lists.bytes + this.#numbers.bytes + bytesOf(this.#firstOf, this.#rowOf, this.#tagOf, this.#nextOf);
  }

  /** Sets the tags of a row. */
  set(row: number, tags: readonly string[]): void {
    if ((this.#firstOf[row] ?? 0) === 0 && tags.length === 0) return;
    this.#clear(row);
    this.#firstOf = withRoom(this.#firstOf, row);
    for (const tag of new Set(tags)) {
      const number = this.#numbers.give(tag);
      const entry = this.#takeEntry();
      this.#rowOf[entry] = row;
      this.#tagOf[entry] = number;
      this.#nextOf[entry] = this.#firstOf[row] as number;
      this.#firstOf[row] = entry;
      this.#lists.add(entry, number);
    }
  }

  /** The number of rows with a tag. */
  count(tag: string): number {
    const number = this.#numbers.find(tag);
    return number === undefined ? 0 : this.#lists.count(number);
  }

  /** The rows with a tag, in no order. */
  rows(tag: string): Uint32Array {
    const rows = new Uint32Array(this.count(tag));
    this.#lists.copy(this.#numbers.find(tag) ?? 0, rows, rows.length);
    for (let i = 0; i < rows.length; i++) rows[i] = this.#rowOf[rows[i] as number] as number;
    return rows;
  }

  /** Returns a test for rows with a tag. It is right until the next change of a row. */
  test(tag: string): (row: number) => boolean {
    const number = this.#numbers.find(tag);
    if (number === undefined) return () => false;
    const [firstOf, nextOf, tagOf] = [this.#firstOf, this.#nextOf, this.#tagOf];
    return (row) => {
      let entry = firstOf[row] ?? 0;
      while (entry !== 0 && tagOf[entry] !== number) entry = nextOf[entry] as number;
      return entry !== 0;
    };
  }

  #clear(row: number): void {
    let entry = this.#firstOf[row] ?? 0;
    while (entry !== 0) {
      const next = this.#nextOf[entry] as number;
      const tag = this.#tagOf[entry] as number;
      this.#lists.remove(entry, tag);
      if (this.#lists.count(tag) === 0) this.#numbers.end(tag);
      this.#nextOf[entry] = this.#free;
      this.#free = entry;
      this.#firstOf[row] = next;
      entry = next;
    }
  }

  #takeEntry(): number {
    const entry = this.#free === 0 ? ++this.#used : this.#free;
    this.#rowOf = withRoom(this.#rowOf, entry);
    this.#tagOf = withRoom(this.#tagOf, entry);
    this.#nextOf = withRoom(this.#nextOf, entry);
    if (entry === this.#free) this.#free = this.#nextOf[entry] as number;
    return entry;
  }
}

function withRoom(array: Uint32Array<ArrayBuffer>, index: number): Uint32Array<ArrayBuffer> {
  if (index < array.length) return array;
  const larger = new Uint32Array(Math.max(index + 1, 16, Math.ceil(array.length * 1.5)));
  larger.set(array);
  return larger;
}

/** The number of bytes of some arrays. */
export function bytesOf(...arrays: readonly ArrayBufferView[]): number {
  return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
