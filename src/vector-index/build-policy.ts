// What has changed since the index was built is searched exactly, at some 15 rows a microsecond, and an index of 100,000 takes
// two cores 5 s to build: a quarter more rows cost a search a millisecond or two, and a growing store five times its size in
// building. Merging new rows into an old index would not be cheaper: LanceDB rewrites data and index whole.
const tailPerIndexed = 1 / 4;
// Of what may be searched exactly at most: less is not worth a build that somebody waits for, and not worth counting anew.
const littlePerExact = 1 / 10;
// After a failure or a repair the next build waits for so many changed rows, so that what fails always does not fail in a loop.
const patience = 1000;

/** When an approximate index is worth building. */
export class BuildPolicy {
  readonly #exactUpTo: number;
  readonly #countRows: () => number;
  #rowCount = 0;
  #changesSinceCount = 0;
  #changesSinceTrouble = patience;

  /** `countRows` counts the rows with vectors. It may take time in proportion to them, and is called seldom. */
  constructor(exactUpTo: number, countRows: () => number) {
    this.#exactUpTo = exactUpTo;
    this.#countRows = countRows;
  }

  /** Whether there are more rows than are searched exactly, as far as is known. */
  get isLarge(): boolean {
    return this.#rowCount > this.#exactUpTo;
  }

  count(): void {
    this.#rowCount = this.#countRows();
    this.#changesSinceCount = 0;
  }

  changed(rows: number): void {
    this.#changesSinceCount += rows;
    this.#changesSinceTrouble += rows;
    const missing = this.#exactUpTo - this.#rowCount;
    if (missing >= 0 && this.#changesSinceCount > Math.max(missing, this.#exactUpTo * littlePerExact)) this.count();
  }

  /** A build failed, or repairs what was damaged. */
  troubled(): void {
    this.#changesSinceTrouble = 0;
  }

  /** Whether to build in the background. `indexed` and `tail` count rows; `indexed` is undefined without an index. */
  isDue(indexed: number | undefined, tail: number): boolean {
    if (this.#changesSinceTrouble < patience) return false;
    return indexed === undefined ? this.isLarge : tail >= indexed * tailPerIndexed;
  }

  /** Whether to build for somebody who waits. */
  isWorthwhile(indexed: number | undefined, tail: number): boolean {
    return indexed === undefined ? this.isLarge : tail > this.#exactUpTo * littlePerExact;
  }
}
