import type { ChangeType } from '../../domain/memory';

/** What memory-resident columns and indexes need to know of a row. */
export interface RowColumns {
  readonly labelSet: number;
  readonly owner: number;
  readonly active: boolean;
  readonly chunks: number;
  /** Tokens of the text. */
  readonly length: number;
  readonly validFrom: number;
  /** Infinity where it never expires. */
  readonly expiresAt: number;
  readonly priority: number;
}

/** One change of one row, after its commit. */
export interface RowChange {
  readonly changeSeq: number;
  readonly row: number;
  readonly id: string;
  readonly type: ChangeType;
  /** Absent once it is forgotten. */
  readonly columns?: RowColumns;
  /** Tokens of the text before and after, where the text changed. */
  readonly tokensBefore?: readonly string[];
  readonly tokens?: readonly string[];
  /** Whether vectors or labels changed: what an index of vectors has to follow. */
  readonly reindex: boolean;
}
