import type { ColumnStore } from './column-store';
import type { EmbeddedTable } from './tables/embedded-table';
import type { Interning } from './tables/interning';
import type { SpaceChunks } from './tables/vector-table';

interface Deps {
  readonly interning: Interning;
  readonly columns: ColumnStore;
  readonly embeddedTable: EmbeddedTable;
}

/**
 * How many vectors each row has in one space, whatever the store does with it: from the columns while it is the store's own, and
 * else from what is kept here. A store without vectors has no space: the first it gets is this one.
 */
export class ChunkCounts implements SpaceChunks {
  readonly #deps: Deps;
  #id: number | undefined;
  #own = new Uint16Array(0);

  constructor(deps: Deps, id?: number) {
    this.#deps = deps;
    this.#id = id;
  }

  /** Reads what a range of rows has: for a space that is not the store's, of which nothing is known before. */
  read(range: { readonly after: number; readonly upTo: number }): void {
    const id = this.space();
    if (id === undefined) return;
    this.#grow();
    for (const line of this.#deps.embeddedTable.chunks(id, range)) this.#own[line.row] = line.chunks;
  }

  /** What was read and followed, with room for every row. */
  own(): Uint16Array<ArrayBuffer> {
    this.#grow();
    return this.#own;
  }

  space(): number | undefined {
    this.#id ??= this.#deps.interning.currentSpace?.id;
    return this.#id;
  }

  chunks(): Uint16Array {
    const { interning, columns } = this.#deps;
    if (interning.currentSpace?.id !== this.space()) return this.#own;
    // Columns get other arrays as they grow, and when the store moves on: the last of this space's stays.
    this.#own = columns.chunks;
    return this.#own;
  }

  /** Reads again what those rows have: for a space that is not the store's. */
  follow(rows: readonly number[]): void {
    if (this.#deps.interning.currentSpace?.id !== this.space()) this.refresh(rows);
  }

  /** Reads again what those rows have, into what is kept here. */
  refresh(rows: readonly number[]): void {
    const { embeddedTable } = this.#deps;
    const id = this.space();
    if (id === undefined) return;
    this.#grow();
    for (const row of rows) this.#own[row] = embeddedTable.chunksOf(row, id);
  }

  #grow(): void {
    const { length } = this.#deps.columns.chunks;
    if (length <= this.#own.length) return;
    const larger = new Uint16Array(length);
    larger.set(this.#own);
    this.#own = larger;
  }
}
