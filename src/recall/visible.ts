import type { Columns } from '../state/columns';
import { isPlain } from '../state/selection-sql';
import type { Truth } from '../state/truth';
import type { VisibleRows } from '../vector-index/vector-index';
import type { Selecting } from './selecting';

/** The rows that a search looks at: what the reader may read and the selection holds. Everything a search counts, it counts here. */
export class Visible {
  /** 1 for each row that is looked at. */
  readonly mask: Uint8Array;
  /** How many texts that is, and how many tokens they have. */
  readonly texts: number;
  readonly tokens: number;
  /** The latest `validFrom` and the highest priority among them: no candidate gains more from recency and priority. */
  readonly newest: number;
  readonly topPriority: number;
  readonly vectors: VisibleRows;

  constructor(columns: Columns, mask: Uint8Array) {
    this.mask = mask;
    let [texts, tokens, vectors, newest, topPriority] = [0, 0, 0, Number.NEGATIVE_INFINITY, 0];
    const { length, parts, validFrom, priority } = columns;
    for (let row = 1; row < mask.length; row++) {
      if (mask[row] === 0) continue;
      texts++;
      tokens += length[row] as number;
      if (parts[row] !== 0) vectors++;
      if ((validFrom[row] as number) > newest) newest = validFrom[row] as number;
      if ((priority[row] as number) > topPriority) topPriority = priority[row] as number;
    }
    this.texts = texts;
    this.tokens = tokens;
    this.newest = newest;
    this.topPriority = topPriority;
    this.vectors = new VisibleVectors(columns, mask, vectors);
  }
}

class VisibleVectors implements VisibleRows {
  readonly count: number;
  readonly #columns: Columns;
  readonly #mask: Uint8Array;
  #rows: Uint32Array | undefined;

  constructor(columns: Columns, mask: Uint8Array, count: number) {
    this.#columns = columns;
    this.#mask = mask;
    this.count = count;
  }

  has(row: number): boolean {
    return this.#mask[row] === 1 && this.#columns.parts[row] !== 0;
  }

  rows(): Uint32Array {
    if (this.#rows !== undefined) return this.#rows;
    const rows = new Uint32Array(this.count);
    let found = 0;
    for (let row = 1; row < this.#mask.length; row++) if (this.has(row)) rows[found++] = row;
    this.#rows = rows.subarray(0, found);
    return this.#rows;
  }
}

/** Finds the rows that a search looks at. From the columns alone, unless the selection asks for more than they know. */
export function visibleTo(truth: Truth, selecting: Selecting): Visible {
  const { columns } = truth;
  const { readable, selected, now } = selecting;
  if (isPlain(selected)) return new Visible(columns, plainMask(columns, selecting));
  const mask = new Uint8Array(columns.last + 1);
  for (const row of truth.selections.rows(readable, selected, now)) mask[row] = 1;
  return new Visible(columns, mask);
}

function plainMask({ last, scope, owner, active, expiresAt }: Columns, { readable, now }: Selecting): Uint8Array {
  const mask = new Uint8Array(last + 1);
  const { mask: scopes, owner: own } = readable;
  for (let row = 1; row <= last; row++) {
    if (active[row] === 0 || scopes[scope[row] as number] !== 1) continue;
    if (owner[row] !== 0 && own !== 'any' && owner[row] !== own) continue;
    if ((expiresAt[row] as number) <= now) continue;
    mask[row] = 1;
  }
  return mask;
}
