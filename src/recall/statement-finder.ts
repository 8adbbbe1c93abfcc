import type { Caller } from '../domain/scope';
import { leastCosine, Statement } from '../keyword-index/statement';
import type { MemoryRow } from '../state/tables/memory-row';
import { dot } from '../vector-index/kernel/dot';
import type { ReadContext } from './read-context';
import { mayLeave } from './recheck';
import { textsOf } from './score';
import type { VisibleSet } from './visible-set';

/** A memory that a call may return, and what its text states. */
export interface StatedMemory {
  readonly record: MemoryRow;
  readonly statement: Statement;
}

/** Longer texts are not compared with others. */
export const maxComparedLength = 10_000;
const maxRemembered = 2_048;

/**
 * Finds the memories that state something similar to a text, among those that a call may return. Only memories with the same labels that are
 * about the same user are compared. It must not be used after the next change: begin a new one.
 */
export class StatementFinder {
  readonly #context: ReadContext;
  readonly #caller: Caller;
  readonly #visible: VisibleSet;
  readonly #stated = new Map<number, StatedMemory | undefined>();

  constructor(context: ReadContext, caller: Caller, visible: VisibleSet) {
    this.#context = context;
    this.#caller = caller;
    this.#visible = visible;
  }

  /** The memory in a row. Undefined if the call may not return it, or if its text is too long to be compared. */
  of(row: number): StatedMemory | undefined {
    if (this.#stated.has(row)) return this.#stated.get(row);
    const record = this.#context.state.records.uncheckedByRow(row);
    const isComparable = record !== undefined && record.text.length <= maxComparedLength && this.#mayCompare(record);
    const stated = isComparable ? { record, statement: new Statement(record.text) } : undefined;
    if (this.#stated.size >= maxRemembered) this.#stated.clear();
    this.#stated.set(row, stated);
    return stated;
  }

  /**
   * The rows with the same labels whose texts have enough of the words of a text, those with most of them first.
   *
   * @param least So many of the words they must have.
   */
  rowsLike(
    { searchWords }: Statement,
    least: number,
    labels: { readonly label_set: number; readonly owner: number },
    isWanted: (row: number) => boolean,
  ): number[] {
    const { labelSet, owner } = this.#context.state.columns;
    const isAlike = (row: number) => labelSet[row] === labels.label_set && owner[row] === labels.owner && isWanted(row);
    if (searchWords.length === 0) return [];
    return this.#context.keywords.rowsWith(searchWords, textsOf(this.#context, this.#visible), least, isAlike);
  }

  /** Whether two memories say the same: 'exact' in equal texts, 'near' in nearly the same words with nearly the same vectors. */
  nearness(a: StatedMemory, b: StatedMemory): 'exact' | 'near' | undefined {
    if (a.record.user_id !== b.record.user_id) return undefined;
    const relation = a.statement.relationTo(b.statement);
    if (relation === undefined) return undefined;
    if (relation === 'equal') return 'exact';
    // Each must be found by the words of the other, so that it does not matter which of them is compared first.
    if (!a.statement.hasSearchWordsOf(b.statement) || !b.statement.hasSearchWordsOf(a.statement)) return undefined;
    const cosine = this.cosine(a, b);
    return cosine !== undefined && cosine >= leastCosine ? 'near' : undefined;
  }

  /** The cosine of the vectors of two memories. Undefined if one has none, or several. */
  cosine(a: StatedMemory, b: StatedMemory): number | undefined {
    const [own, other] = [this.#vectorOf(a.record.row), this.#vectorOf(b.record.row)];
    return own === undefined || other === undefined ? undefined : dot(own, other);
  }

  #vectorOf(row: number): Float32Array | undefined {
    const { columns, vectors } = this.#context.state;
    return columns.chunks[row] === 1 ? vectors.ofRow(row)[0] : undefined;
  }

  /** The second access check. A damaged record is left out: `verify` reports it. */
  #mayCompare(record: MemoryRow): boolean {
    if (!this.#context.state.rowChecksum.isIntact(record)) return false;
    if (mayLeave(this.#context, this.#caller, record, 'ordinary')) return true;
    this.#context.recheckRejected();
    return false;
  }
}
