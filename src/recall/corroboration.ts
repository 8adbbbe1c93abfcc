import type { Hit } from '../domain/memory';
import type { Caller } from '../domain/scope';
import { trustLevelOf } from '../domain/trust';
import { leastCosine, maxStatementLength, Statement } from '../keyword-index/statement';
import type { MemoryRow } from '../state/tables/memory-row';
import { dot } from '../vector-index/kernel/dot';
import type { ReadContext } from './read-context';
import { mayLeave } from './recheck';
import { textsOf } from './score';
import { referenceOf, Sources } from './source-cap';
import type { VisibleSet } from './visible-set';

/** So many independent sources must say the same. */
export const leastSources = 2;
const standard = trustLevelOf('standard');
// So that one source with many similar memories does not keep others from being compared.
const maxOfSource = 8;
const maxCompared = 64;

/**
 * Counts who else says the same as a hit, for the hits of one search. Others are memories that the search may return, that are shared, at
 * least 'standard', have the same labels and are about the same user. Each source counts once, and nothing counts that was made from other
 * memories: it may only repeat them.
 */
export class Corroboration {
  readonly #context: ReadContext;
  readonly #caller: Caller;
  readonly #visible: VisibleSet;
  readonly #sources: Sources;

  constructor(context: ReadContext, caller: Caller, visible: VisibleSet) {
    this.#context = context;
    this.#caller = caller;
    this.#visible = visible;
    this.#sources = new Sources(context.state);
  }

  /** Adds `corroboratedBy` to the hits that enough others say, too. */
  addTo(hits: readonly { readonly hit: Hit; readonly record: MemoryRow }[]): void {
    for (const { hit, record } of hits) {
      const count = record.text.length > maxStatementLength ? 0 : this.#sourcesOf(record);
      if (count >= leastSources) hit.corroboratedBy = count;
    }
  }

  /** The number of other sources that say what a memory says. */
  #sourcesOf(record: MemoryRow): number {
    const { keywords, state } = this.#context;
    const { labelSet, owner, trust } = state.columns;
    const own = this.#sources.of(record.row);
    const statement = new Statement(record.text);
    const terms = statement.searchWords;
    const isOther = (row: number) =>
      labelSet[row] === labelSet[record.row] &&
      owner[row] === 0 &&
      (trust[row] as number) > standard &&
      this.#sources.of(row) !== own;
    if (terms.length < 2) return 0;
    const rows = keywords.rowsWith(terms, textsOf(this.#context, this.#visible), statement.leastSearchWords, isOther);
    if (rows.length === 0) return 0;
    const found = new Set<number>();
    const references = new Set([referenceOf(record)]);
    const compared = new Map<number, number>();
    let total = 0;
    for (const row of rows) {
      const source = this.#sources.of(row);
      const count = compared.get(source) ?? 0;
      if (found.has(source) || count === maxOfSource) continue;
      if (total++ === maxCompared) break;
      compared.set(source, count + 1);
      const other = state.records.uncheckedByRow(row);
      const relation = other && statement.relationTo(new Statement(other.text));
      if (other === undefined || relation === undefined || other.user_id !== record.user_id) continue;
      if (!this.#mayCount(other)) continue;
      const reference = referenceOf(other);
      if (reference !== undefined && references.has(reference)) continue;
      if (relation !== 'equal' && !isNear(this.#vectorOf(record.row), this.#vectorOf(row))) continue;
      found.add(source);
      references.add(reference);
    }
    return found.size;
  }

  /** Whether a record may count. It is checked again, as every record whose content tells something. */
  #mayCount(record: MemoryRow): boolean {
    const { state } = this.#context;
    if (!state.rowChecksum.isIntact(record)) return false;
    if (!mayLeave(this.#context, this.#caller, record, 'ordinary')) {
      this.#context.recheckRejected();
      return false;
    }
    return state.derivations.ofRow(record.row).length === 0;
  }

  /** The vector of a memory whose text has one. */
  #vectorOf(row: number): Float32Array | undefined {
    const { columns, vectors } = this.#context.state;
    return columns.chunks[row] === 1 ? vectors.ofRow(row)[0] : undefined;
  }
}

function isNear(a: Float32Array | undefined, b: Float32Array | undefined): boolean {
  return a !== undefined && b !== undefined && dot(a, b) >= leastCosine;
}
