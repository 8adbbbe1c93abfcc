import { sourceChannels } from '../domain/memory';
import { isRoot, type Party, partiesOf } from '../domain/principal';
import { trustLevelOf } from '../domain/trust';
import type { MemoryRow } from '../state/tables/memory-row';
import type { StateView } from './state-view';

type State = Pick<StateView, 'columns' | 'interning' | 'policy'>;

/** Stands for a row that no cap limits. */
export const unlimited = 0;

const defaultMost = 2;
const standard = trustLevelOf('standard');
const consolidation = sourceChannels.indexOf('consolidation');

/** Numbers the sources of rows from 1. The rules of one moment decide, so they are for one search. */
export class Sources {
  readonly #state: State;
  readonly #named = new Map<number, Map<number, number>>();
  readonly #all = new Map<number, Map<number, number>>();
  readonly #numbers = new Map<string, number>();

  constructor(state: State) {
    this.#state = state;
  }

  /** @param areAllNamed Whether each party is a source of its own, whether the rules name it or not. */
  of(row: number, areAllNamed = false): number {
    const { author, labelSet } = this.#state.columns;
    const [by, at] = [author[row] as number, labelSet[row] as number];
    const byAuthor = areAllNamed ? this.#all : this.#named;
    const known = byAuthor.get(by) ?? new Map<number, number>();
    byAuthor.set(by, known);
    const number = known.get(at) ?? this.#numberOf(by, at, areAllNamed);
    known.set(at, number);
    return number;
  }

  #numberOf(author: number, labelSet: number, areAllNamed: boolean): number {
    const { interning, policy } = this.#state;
    const { namespace } = interning.labelSet(labelSet);
    const nameOf = (party: Party) => (areAllNamed || policy.isNamed(party, namespace) ? [party.kind, party.id] : []);
    const parties = author === 0 ? [] : partiesOf(interning.actor(author)).map(nameOf);
    const isOfHost = author !== 0 && parties.length === 0;
    const key = isOfHost ? 'host' : JSON.stringify(parties.flat().length === 0 ? [] : parties);
    const number = this.#numbers.get(key) ?? this.#numbers.size + 1;
    this.#numbers.set(key, number);
    return number;
  }
}

/**
 * How many hits of one recall may come from one source, so that whoever writes most does not fill the answer. A source is the principal that
 * wrote a memory: the pair of both if it acted on behalf of a user. In what is less trusted than 'standard', all parties whom the rules do not
 * name are one, because anybody can make up more names.
 *
 * Without `maxPerSource` it limits only what is less trusted than 'standard'. What the host itself stored is then limited only by its `ref`,
 * unless it is a fact that quotes others.
 */
export class SourceCap {
  readonly most: number;
  readonly isDefault: boolean;
  readonly #state: State;
  readonly #sources: Sources;

  private constructor(state: State, maxPerSource: number | undefined) {
    this.#state = state;
    this.#sources = new Sources(state);
    this.most = maxPerSource ?? defaultMost;
    this.isDefault = maxPerSource === undefined;
  }

  /** Makes the cap of a search. Undefined if no answer of it can exceed one. */
  static for(state: State, maxPerSource: number | undefined, topK: number): SourceCap | undefined {
    if ((maxPerSource ?? defaultMost) >= topK) return undefined;
    if (maxPerSource === undefined && !state.columns.hasBelow(standard)) return undefined;
    return new SourceCap(state, maxPerSource);
  }

  /** Returns the number of the source of a row, or `unlimited`. */
  of(row: number): number {
    if (!this.isLimited(row)) return unlimited;
    const { author, channel } = this.#state.columns;
    const by = author[row] as number;
    const isFact = channel[row] === consolidation;
    if (this.isDefault && !isFact && by !== 0 && isRoot(this.#state.interning.actor(by))) return unlimited;
    return this.#sources.of(row, this.#isTrusted(row));
  }

  /** Returns whether the cap limits a row, by its source or by its reference. */
  isLimited(row: number): boolean {
    return !this.isDefault || !this.#isTrusted(row);
  }

  #isTrusted(row: number): boolean {
    return (this.#state.columns.trust[row] as number) > standard;
  }
}

/** Picks hits in the order of their scores, and passes over those that exceed a cap. */
export class SourcePicker {
  readonly #cap: SourceCap | undefined;
  readonly #taken = new Map<number | string, number>();
  /** The sources of the hits so far. */
  readonly #sources = new Set<number | string>();
  passedOver = 0;

  constructor(cap: SourceCap | undefined) {
    this.#cap = cap;
  }

  /** Returns whether a row may be among the hits, and counts it. */
  takes(record: Pick<MemoryRow, 'row' | 'id' | 'source_channel' | 'source_ref'>): boolean {
    if (this.#cap === undefined) return true;
    const { row, id } = record;
    const source = this.#cap.of(row);
    const reference = this.#cap.isLimited(row) ? referenceOf(record) : undefined;
    const keys = [...(source === unlimited ? [] : [source]), ...(reference === undefined ? [] : [reference])];
    if (keys.some((key) => (this.#taken.get(key) ?? 0) >= (this.#cap as SourceCap).most)) {
      this.passedOver++;
      return false;
    }
    for (const key of keys) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    this.#sources.add(source === unlimited ? (reference ?? id) : source);
    return true;
  }

  /** Whether all hits are from one source, and the default cap passed over others of it: then it protects nobody. */
  get hasOneSource(): boolean {
    return this.#cap?.isDefault === true && this.passedOver > 0 && this.#sources.size === 1;
  }
}

/** A page or a document is one source, whoever brings it. Other channels have references of their own, such as the name of a format. */
export function referenceOf({ source_channel, source_ref }: Pick<MemoryRow, 'source_channel' | 'source_ref'>) {
  if (source_ref === null || (source_channel !== 'tool' && source_channel !== 'document')) return undefined;
  return `${source_channel} ${source_ref}`;
}
