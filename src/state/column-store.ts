import type { RowChange, RowColumns } from './apply/apply-context';

const initialCapacity = 1024;

/**
 * What every search needs of every memory, in typed arrays by row: 39 bytes a memory. Row 0 is not used.
 */
export class ColumnStore {
  /** The highest row. */
  last = 0;
  labelSet = new Uint32Array(initialCapacity);
  owner = new Uint32Array(initialCapacity);
  /** 1 for a memory that is neither forgotten nor superseded nor quarantined. */
  active = new Uint8Array(initialCapacity);
  /** How many vectors it has. */
  chunks = new Uint16Array(initialCapacity);
  length = new Uint32Array(initialCapacity);
  validFrom = new Float64Array(initialCapacity);
  expiresAt = new Float64Array(initialCapacity);
  priority = new Float64Array(initialCapacity);

  apply({ row, columns }: Pick<RowChange, 'row' | 'columns'>): void {
    if (row > this.last) {
      this.#grow(row);
      this.last = row;
    }
    if (columns === undefined) this.#clear(row);
    else this.#set(row, columns);
  }

  #set(row: number, labels: RowColumns): void {
    this.labelSet[row] = labels.labelSet;
    this.owner[row] = labels.owner;
    this.active[row] = labels.active ? 1 : 0;
    this.chunks[row] = labels.chunks;
    this.length[row] = labels.length;
    this.validFrom[row] = labels.validFrom;
    this.expiresAt[row] = labels.expiresAt;
    this.priority[row] = labels.priority;
  }

  // A forgotten row has scope 0, which no actor can read.
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
