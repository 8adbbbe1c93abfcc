import type { Columns } from './columns';
import type { EmbeddedTable } from './embedded';
import type { Interning } from './interning';
import type { SpaceParts } from './vectors';

interface Parts {
  readonly interning: Interning;
  readonly columns: Columns;
  readonly embedded: EmbeddedTable;
}

/**
 * How many vectors each row has in one space, whatever the store does with it: from the columns while it is the store's own, and
 * else from what is kept here. A store without vectors has no space: the first it gets is this one.
 */
export class PartsInSpace implements SpaceParts {
  readonly #parts: Parts;
  #id: number | undefined;
  #own = new Uint16Array(0);

  constructor(parts: Parts, id?: number) {
    this.#parts = parts;
    this.#id = id;
  }

  /** Reads what a range of rows has: for a space that is not the store's, of which nothing is known before. */
  read(range: { readonly after: number; readonly upTo: number }): void {
    const id = this.space();
    if (id === undefined) return;
    this.#grow();
    for (const line of this.#parts.embedded.parts(id, range)) this.#own[line.row] = line.parts;
  }

  /** What was read and followed, with room for every row. */
  own(): Uint16Array<ArrayBuffer> {
    this.#grow();
    return this.#own;
  }

  space(): number | undefined {
    this.#id ??= this.#parts.interning.currentSpace?.id;
    return this.#id;
  }

  parts(): Uint16Array {
    const { interning, columns } = this.#parts;
    if (interning.currentSpace?.id !== this.space()) return this.#own;
    // Columns get other arrays as they grow, and when the store moves on: the last of this space's stays.
    this.#own = columns.parts;
    return this.#own;
  }

  /** Reads again what those rows have: for a space that is not the store's. */
  follow(rows: readonly number[]): void {
    if (this.#parts.interning.currentSpace?.id !== this.space()) this.refresh(rows);
  }

  /** Reads again what those rows have, into what is kept here. */
  refresh(rows: readonly number[]): void {
    const { embedded } = this.#parts;
    const id = this.space();
    if (id === undefined) return;
    this.#grow();
    for (const row of rows) this.#own[row] = embedded.partsOf(row, id);
  }

  #grow(): void {
    const { length } = this.#parts.columns.parts;
    if (length <= this.#own.length) return;
    const larger = new Uint16Array(length);
    larger.set(this.#own);
    this.#own = larger;
  }
}
