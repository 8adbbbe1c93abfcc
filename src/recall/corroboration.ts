import type { Hit } from '../domain/memory';
import type { Caller } from '../domain/scope';
import { trustLevelOf } from '../domain/trust';
import { analyze } from '../keyword-index/analyzer';
import { capitalizedIn, negationsIn, numbersIn } from '../keyword-index/stated-words';
import { stopWords } from '../keyword-index/stop-words';
import type { MemoryRow } from '../state/tables/memory-row';
import { dot } from '../vector-index/kernel/dot';
import type { ReadContext } from './read-context';
import { mayLeave } from './recheck';
import { textsOf } from './score';
import { referenceOf, Sources } from './source-cap';
import type { VisibleSet } from './visible-set';

/** So many independent sources must say the same. */
export const leastSources = 2;
/** The lowest cosine of two texts that say the same. */
const leastCosine = 0.85;
const standard = trustLevelOf('standard');
// A longer text states so much that no other says the same.
const maxLength = 1_000;
// Two texts that say the same share the numbers and most of the longest words.
const maxTerms = 4;
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
      const count = record.text.length > maxLength ? 0 : this.#sourcesOf(record);
      if (count >= leastSources) hit.corroboratedBy = count;
    }
  }

  /** The number of other sources that say what a memory says. */
  #sourcesOf(record: MemoryRow): number {
    const { keywords, state } = this.#context;
    const { labelSet, owner, trust } = state.columns;
    const own = this.#sources.of(record.row);
    const terms = telling(record.text);
    const isOther = (row: number) =>
      labelSet[row] === labelSet[record.row] &&
      owner[row] === 0 &&
      (trust[row] as number) > standard &&
      this.#sources.of(row) !== own;
    const statement = new Statement(record.text);
    const vector = vectorOf(this.#context, record.row);
    const found = new Set<number>();
    const references = new Set([referenceOf(record)]);
    const compared = new Map<number, number>();
    let total = 0;
    for (const row of keywords.rowsWith(
      terms,
      textsOf(this.#context, this.#visible),
      Math.ceil(terms.length / 2),
      isOther,
    )) {
      const source = this.#sources.of(row);
      const count = compared.get(source) ?? 0;
      if (found.has(source) || count === maxOfSource) continue;
      if (total++ === maxCompared) break;
      compared.set(source, count + 1);
      const other = this.#readable(row);
      if (other === undefined || other.user_id !== record.user_id || !statement.isSameAs(other.text)) continue;
      const reference = referenceOf(other);
      if (reference !== undefined && references.has(reference)) continue;
      if (!isNear(vector, vectorOf(this.#context, row), record.text === other.text)) continue;
      found.add(source);
      references.add(reference);
    }
    return found.size;
  }

  /** The record of a row that may count. It is checked again, as every record whose content tells something. */
  #readable(row: number): MemoryRow | undefined {
    const { state } = this.#context;
    const record = state.records.uncheckedByRow(row);
    if (record === undefined || record.text.length > maxLength || !state.rowChecksum.isIntact(record)) return undefined;
    if (!mayLeave(this.#context, this.#caller, record, 'ordinary')) {
      this.#context.recheckRejected();
      return undefined;
    }
    return state.derivations.ofRow(row).length === 0 ? record : undefined;
  }
}

/** The words by which others that say the same are found: numbers first, then the longest. They depend on the text alone. */
function telling(text: string): string[] {
  const words = [...new Set(analyze(text))].filter((word) => !stopWords.has(word));
  const rank = (word: string) => (/\p{N}/u.test(word) ? 100 : 0) + word.length;
  return words.sort((a, b) => rank(b) - rank(a) || (a < b ? -1 : 1)).slice(0, maxTerms);
}

/** What two texts must have in common to say the same, besides being near each other. */
class Statement {
  readonly #words: ReadonlySet<string>;
  readonly #names: readonly string[];
  readonly #numbers: string;
  readonly #negations: number;

  constructor(text: string) {
    this.#words = new Set(analyze(text));
    this.#names = capitalizedIn(text);
    this.#numbers = [...new Set(numbersIn(text))].sort().join(' ');
    this.#negations = negationsIn(text);
  }

  /** A name may begin a sentence in one of the texts, where every word has a capital letter. */
  isSameAs(text: string): boolean {
    const other = new Statement(text);
    return (
      this.#numbers === other.#numbers &&
      this.#negations === other.#negations &&
      this.#names.every((name) => other.#words.has(name)) &&
      other.#names.every((name) => this.#words.has(name))
    );
  }
}

/** The vector of a memory whose text has one. */
function vectorOf({ state }: ReadContext, row: number): Float32Array | undefined {
  if (state.columns.chunks[row] !== 1) return undefined;
  return state.vectors.ofRow(row)[0];
}

function isNear(a: Float32Array | undefined, b: Float32Array | undefined, isEqual: boolean): boolean {
  return isEqual || (a !== undefined && b !== undefined && dot(a, b) >= leastCosine);
}
