import { orderOfTerms, type PageWriter } from './posting-pages';

/** The words of a group of texts, by term. Each term has a number in the group, and all occurrences are in two arrays, not in one a term. */
export class WordGroup {
  tokenCount = 0;
  readonly #numbers = new Map<string, number>();
  readonly #terms: string[] = [];
  /** The number of the term and the row of each occurrence, in the order in which they were added. */
  #termOf = new Uint32Array(1_024);
  #rowOf = new Uint32Array(1_024);

  /** Rows must be added in ascending order. */
  add(row: number, tokens: readonly string[]): void {
    this.#reserve(this.tokenCount + tokens.length);
    for (const term of tokens) {
      let number = this.#numbers.get(term);
      if (number === undefined) {
        number = this.#terms.push(term) - 1;
        this.#numbers.set(term, number);
      }
      this.#termOf[this.tokenCount] = number;
      this.#rowOf[this.tokenCount++] = row;
    }
  }

  /** Writes the terms in the order of their bytes, and all rows of each. */
  writeTo(writer: PageWriter): void {
    const [rows, starts] = this.#rowsByTerm();
    for (const number of orderOfTerms(this.#terms)) {
      writer.addOccurrences(this.#terms[number]!, rows, starts[number]!, starts[number + 1]!);
    }
  }

  /** Returns the rows of all terms, in the order of their numbers, and where those of each term start. */
  #rowsByTerm(): [rows: Uint32Array, starts: Uint32Array] {
    const { tokenCount } = this;
    const next = new Uint32Array(this.#terms.length + 2);
    for (let i = 0; i < tokenCount; i++) next[this.#termOf[i]! + 2]!++;
    for (let i = 2; i < next.length; i++) next[i]! += next[i - 1]!;
    const rows = new Uint32Array(tokenCount);
    // Each place where the next row of a term goes moves to where the next term starts.
    for (let i = 0; i < tokenCount; i++) rows[next[this.#termOf[i]! + 1]!++] = this.#rowOf[i]!;
    return [rows, next];
  }

  #reserve(count: number): void {
    if (count <= this.#termOf.length) return;
    this.#termOf = larger(this.#termOf, count);
    this.#rowOf = larger(this.#rowOf, count);
  }
}

function larger(numbers: Uint32Array<ArrayBuffer>, count: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(Math.max(count, numbers.length * 2));
  copy.set(numbers);
  return copy;
}
