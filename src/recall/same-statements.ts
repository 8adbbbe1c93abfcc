import { leastCosine, normalText, Statement, type StatementRelation } from '../keyword-index/statement';
import type { MemoryRow } from '../state/tables/memory-row';
import { dot } from '../vector-index/kernel/dot';
import type { StateView } from './state-view';

/** Which memories say the same. 'exact': those with equal texts. 'near': also those with the same content words and near vectors. */
export type Distinctness = 'exact' | 'near';

type Vectors = Pick<StateView, 'columns' | 'vectors'>;

/** Compares memories by what they say. It remembers what it has computed, so it is for one search. */
export class SameStatements {
  readonly #state: Vectors;
  readonly #distinct: Distinctness;
  readonly #subjects = new Map<number, string>();
  readonly #statements = new Map<number, Statement>();
  readonly #vectors = new Map<number, Float32Array | undefined>();

  constructor(state: Vectors, distinct: Distinctness) {
    this.#state = state;
    this.#distinct = distinct;
  }

  /** Memories with different subjects never say the same. In 'exact' mode, memories with equal subjects do, unless their keys differ. */
  subjectOf(record: MemoryRow): string {
    const known = this.#subjects.get(record.row);
    if (known !== undefined) return known;
    const { labelSet, owner } = this.#state.columns;
    const places = [labelSet[record.row], owner[record.row], record.user_id];
    const subject = JSON.stringify(this.#distinct === 'exact' ? [...places, normalText(record.text)] : places);
    this.#subjects.set(record.row, subject);
    return subject;
  }

  /** How the second of two memories with the same subject relates to the first. Undefined if they do not say the same. */
  relation(one: MemoryRow, other: MemoryRow): StatementRelation | undefined {
    // Each key is a place of its own, whatever is there.
    if (one.key !== null && other.key !== null && one.key !== other.key) return undefined;
    if (this.#distinct === 'exact') return 'equal';
    const relation = this.#statementOf(one).relationTo(this.#statementOf(other));
    return relation === undefined || relation === 'equal' || this.#areNear(one.row, other.row) ? relation : undefined;
  }

  #statementOf({ row, text }: MemoryRow): Statement {
    const statement = this.#statements.get(row) ?? new Statement(text);
    this.#statements.set(row, statement);
    return statement;
  }

  #areNear(row: number, other: number): boolean {
    const [a, b] = [this.#vectorOf(row), this.#vectorOf(other)];
    return a !== undefined && b !== undefined && dot(a, b) >= leastCosine;
  }

  /** The vector of a memory whose whole text has one. */
  #vectorOf(row: number): Float32Array | undefined {
    if (this.#vectors.has(row)) return this.#vectors.get(row);
    const { columns, vectors } = this.#state;
    const vector = columns.chunks[row] === 1 ? vectors.ofRow(row)[0] : undefined;
    this.#vectors.set(row, vector);
    return vector;
  }
}
