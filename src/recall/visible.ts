import type { ReadableLabelSets } from '../access/compile';
import type { ColumnStore } from '../state/column-store';
import { isPlain, type Selected } from '../state/queries/selection-sql';
import type { StateStore } from '../state/state-store';
import type { VisibleRows } from '../vector-index/vector-index';

/** A selection, narrowed to the bounds of its handle and to what the actor may read. */
export interface CompiledSelection {
  readonly readable: ReadableLabelSets;
  readonly selected: Selected;
  readonly now: number;
}

/** The rows that a search looks at: what the reader may read and the selection holds. Everything a search counts, it counts here. */
export class Visible {
  /** 1 for each row that is looked at. */
  readonly mask: Uint8Array;
  /** How many texts that is, and how many tokens they have. */
  texts = 0;
  tokens = 0;
  /** The latest `validFrom` and the highest priority among them: no candidate gains more from recency and priority. */
  newest = Number.NEGATIVE_INFINITY;
  topPriority = 0;
  /** When the first of them expires. */
  firstExpiry = Number.POSITIVE_INFINITY;
  readonly vectors: VisibleVectors;
  readonly #columns: ColumnStore;

  constructor(columns: ColumnStore) {
    this.#columns = columns;
    this.mask = new Uint8Array(columns.last + 1);
    this.vectors = new VisibleVectors(columns, this.mask);
  }

  /** How many of them each label set holds. */
  countByLabelSet(): { label_set: number; count: number }[] {
    return [...countLabelSets(this.mask, this.#columns.labelSet)].map(([label_set, count]) => ({ label_set, count }));
  }

  add(row: number): void {
    const { length, validFrom, priority, chunks, expiresAt } = this.#columns;
    this.mask[row] = 1;
    this.texts++;
    this.tokens += length[row] as number;
    if (chunks[row] !== 0) this.vectors.count++;
    if ((validFrom[row] as number) > this.newest) this.newest = validFrom[row] as number;
    if ((priority[row] as number) > this.topPriority) this.topPriority = priority[row] as number;
    if ((expiresAt[row] as number) < this.firstExpiry) this.firstExpiry = expiresAt[row] as number;
  }
}

/** How many of these rows each label set holds. */
function countLabelSets(mask: Uint8Array, labelSet: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (let row = 1; row < mask.length; row++) {
    if (mask[row] !== 1) continue;
    const id = labelSet[row] as number;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

class VisibleVectors implements VisibleRows {
  count = 0;
  readonly #columns: ColumnStore;
  readonly #mask: Uint8Array;
  #rows: Uint32Array | undefined;

  constructor(columns: ColumnStore, mask: Uint8Array) {
    this.#columns = columns;
    this.#mask = mask;
  }

  has(row: number): boolean {
    return this.#mask[row] === 1 && this.#columns.chunks[row] !== 0;
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
export function visibleTo(state: StateStore, selecting: CompiledSelection): Visible {
  const { readable, selected, now } = selecting;
  const visible = new Visible(state.columns);
  if (isPlain(selected)) addReadable(visible, state.columns, selecting);
  else for (const row of state.selections.rows(readable, selected, now)) visible.add(row);
  return visible;
}

// Written out over local variables: it visits every memory of the store for nearly every search, and calling `add` for each
// takes five times as long.
function addReadable(visible: Visible, columns: ColumnStore, { readable, now }: CompiledSelection): void {
  const { last, labelSet, owner, active, expiresAt, length, chunks, validFrom, priority } = columns;
  const { mask: scopes, owner: own } = readable;
  const { mask } = visible;
  let [texts, tokens, vectors] = [0, 0, 0];
  let { newest, topPriority, firstExpiry } = visible;
  for (let row = 1; row <= last; row++) {
    if (active[row] === 0 || scopes[labelSet[row] as number] !== 1) continue;
    if (owner[row] !== 0 && own !== 'any' && owner[row] !== own) continue;
    const expiry = expiresAt[row] as number;
    if (expiry <= now) continue;
    mask[row] = 1;
    texts++;
    tokens += length[row] as number;
    if (chunks[row] !== 0) vectors++;
    const since = validFrom[row] as number;
    if (since > newest) newest = since;
    const urgency = priority[row] as number;
    if (urgency > topPriority) topPriority = urgency;
    if (expiry < firstExpiry) firstExpiry = expiry;
  }
  visible.texts = texts;
  visible.tokens = tokens;
  visible.vectors.count = vectors;
  visible.newest = newest;
  visible.topPriority = topPriority;
  visible.firstExpiry = firstExpiry;
}
