import type { StoredRows } from './lance-table';

/** A vector by its memory's row and its part. */
export interface VectorName {
  readonly row: number;
  readonly part: number;
}

/** Which vector lies at which address of a table. Kept in memory, because reading it from the table costs as much as half a search. */
export class Addresses {
  /** By fragment, then by place in the fragment. */
  readonly #rows: number[][] = [];
  readonly #parts: number[][] = [];
  #count = 0;

  /** How many vectors there are. */
  get count(): number {
    return this.#count;
  }

  add({ length, addresses, rows, parts }: StoredRows): void {
    for (let i = 0; i < length; i++) {
      const place = addresses[2 * i] as number;
      const fragment = addresses[2 * i + 1] as number;
      this.#rows[fragment] ??= [];
      this.#parts[fragment] ??= [];
      (this.#rows[fragment] as number[])[place] = rows[i] as number;
      (this.#parts[fragment] as number[])[place] = parts[i] as number;
    }
    this.#count += length;
  }

  /** Undefined where no vector lies. */
  find(place: number, fragment: number): VectorName | undefined {
    const row = this.#rows[fragment]?.[place];
    const part = this.#parts[fragment]?.[place];
    return row === undefined || part === undefined ? undefined : { row, part };
  }
}
