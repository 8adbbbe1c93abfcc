import type { RowChange, RowLabels } from './row-change';

const initialCapacity = 1024;

/**
 * What every search needs of every memory, in typed arrays by row: 39 bytes a memory. Row 0 is not used.
 */
export class Columns {
  /** The highest row. */
  last = 0;
  scope = new Uint32Array(initialCapacity);
  owner = new Uint32Array(initialCapacity);
  /** 1 for a memory that is neither forgotten nor superseded nor quarantined. */
  active = new Uint8Array(initialCapacity);
  /** How many vectors it has. */
  parts = new Uint16Array(initialCapacity);
  length = new Uint32Array(initialCapacity);
  validFrom = new Float64Array(initialCapacity);
  expiresAt = new Float64Array(initialCapacity);
  priority = new Float64Array(initialCapacity);

  apply({ row, labels }: Pick<RowChange, 'row' | 'labels'>): void {
    if (row > this.last) {
      this.#grow(row);
      this.last = row;
    }
    if (labels === undefined) this.#clear(row);
    else this.#set(row, labels);
  }

  #set(row: number, labels: RowLabels): void {
    this.scope[row] = labels.scope;
    this.owner[row] = labels.owner;
    this.active[row] = labels.active ? 1 : 0;
    this.parts[row] = labels.parts;
    this.length[row] = labels.length;
    this.validFrom[row] = labels.validFrom;
    this.expiresAt[row] = labels.expiresAt;
    this.priority[row] = labels.priority;
  }

  // A forgotten row has scope 0, which no actor can read.
  #clear(row: number): void {
    for (const column of [this.scope, this.owner, this.active, this.parts, this.length]) column[row] = 0;
  }

  #grow(row: number): void {
    if (row < this.scope.length) return;
    const capacity = Math.max(row + 1, this.scope.length * 2);
    this.scope = copy(this.scope, new Uint32Array(capacity));
    this.owner = copy(this.owner, new Uint32Array(capacity));
    this.active = copy(this.active, new Uint8Array(capacity));
    this.parts = copy(this.parts, new Uint16Array(capacity));
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
