import type { RowChange, RowColumns } from './apply/apply-context';

const initialCapacity = 1024;
// The store remembers this many changes. A visible set (the rows that a caller may see) that has missed more is computed again. Computing
// one for 100,000 memories takes as long as about 10,000 changes.
const rememberedChanges = 8_192;

/** A row that changed, with its values before the change. Visible sets that contain the row subtract them from their counts. */
export interface ChangedRow {
  readonly row: number;
  readonly lengthBefore: number;
  readonly chunksBefore: number;
}

/** The values of each memory that every search needs, in one typed array for each column: 39 bytes a memory. Row 0 is not used. */
export class ColumnStore {
  /** The highest row number in use. */
  last = 0;
  labelSet = new Uint32Array(initialCapacity);
  owner = new Uint32Array(initialCapacity);
  /** 1 for a memory that is neither forgotten nor superseded nor quarantined. */
  active = new Uint8Array(initialCapacity);
  /** The number of vectors in the space that searches use. */
  chunks = new Uint16Array(initialCapacity);
  /** The number of tokens in the text. */
  length = new Uint32Array(initialCapacity);
  validFrom = new Float64Array(initialCapacity);
  expiresAt = new Float64Array(initialCapacity);
  priority = new Float64Array(initialCapacity);
  /** The number of changes to rows so far. */
  changeCount = 0;
  // Ring buffers: the change with number n is at the index n modulo their length.
  readonly #changedRow = new Uint32Array(rememberedChanges);
  readonly #lengthBefore = new Uint32Array(rememberedChanges);
  readonly #chunksBefore = new Uint16Array(rememberedChanges);
  /** The value of `changeCount` when `replaceChunks` was last called. */
  #chunksReplacedAt = 0;
  readonly #privateRows = new Map<number, number>();

  apply({ row, columns }: Pick<RowChange, 'row' | 'columns'>): void {
    if (row > this.last) {
      this.#grow(row);
      this.last = row;
    }
    const at = this.changeCount++ % rememberedChanges;
    this.#changedRow[at] = row;
    this.#lengthBefore[at] = this.length[row] as number;
    this.#chunksBefore[at] = this.chunks[row] as number;
    this.#countOwner(this.owner[row] as number, -1);
    if (columns === undefined) this.#clear(row);
    else this.#set(row, columns);
    this.#countOwner(this.owner[row] as number, 1);
  }

  /** Replaces all vector counts, because searches now use another embedding space. */
  replaceChunks(chunks: Uint16Array<ArrayBuffer>): void {
    this.chunks = chunks;
    this.#chunksReplacedAt = ++this.changeCount;
  }

  /** Returns the rows that changed after `changeCount`, oldest first. Undefined if the store does not remember them any more. */
  changedSince(changeCount: number): ChangedRow[] | undefined {
    if (changeCount < this.#chunksReplacedAt || this.changeCount - changeCount > rememberedChanges) return undefined;
    const changed: ChangedRow[] = [];
    for (let i = changeCount; i < this.changeCount; i++) {
      const at = i % rememberedChanges;
      changed.push({
        row: this.#changedRow[at] as number,
        lengthBefore: this.#lengthBefore[at] as number,
        chunksBefore: this.#chunksBefore[at] as number,
      });
    }
    return changed;
  }

  /** Checks whether any row is private to this owner. */
  hasPrivateRows(owner: number): boolean {
    return this.#privateRows.has(owner);
  }

  #countOwner(owner: number, difference: 1 | -1): void {
    if (owner === 0) return;
    const count = (this.#privateRows.get(owner) ?? 0) + difference;
    if (count === 0) this.#privateRows.delete(owner);
    else this.#privateRows.set(owner, count);
  }

  #set(row: number, columns: RowColumns): void {
    this.labelSet[row] = columns.labelSet;
    this.owner[row] = columns.owner;
    this.active[row] = columns.active ? 1 : 0;
    this.chunks[row] = columns.chunks;
    this.length[row] = columns.length;
    this.validFrom[row] = columns.validFrom;
    this.expiresAt[row] = columns.expiresAt;
    this.priority[row] = columns.priority;
  }

  // A forgotten row has label set 0, which no actor may read.
  #clear(row: number): void {
    for (const column of [this.labelSet, this.owner, this.active, this.chunks, this.length]) column[row] = 0;
  }

  #grow(row: number): void {
    if (row < this.labelSet.length) return;
    const capacity = Math.max(row + 1, this.labelSet.length * 2);
    this.labelSet = copy(this.labelSet, new Uint32Array(capacity));
    this.owner = copy(this.owner, new Uint32Array(capacity));
    this.active = copy(this.active, new Uint8Array(capacity));
    this.chunks = copy(this.chunks, new Uint16Array(capacity));
    this.length = copy(this.length, new Uint32Array(capacity));
    this.validFrom = copy(this.validFrom, new Float64Array(capacity));
    this.expiresAt = copy(this.expiresAt, new Float64Array(capacity));
    this.priority = copy(this.priority, new Float64Array(capacity));
  }
}

function copy<T extends { set(from: ArrayLike<number>): void }>(from: ArrayLike<number>, to: T): T {
  to.set(from);
  return to;
}
