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

  private constructor(state: State, sources: Sources, most: number, isDefault: boolean) {
    this.#state = state;
    this.#sources = sources;
    this.most = most;
    this.isDefault = isDefault;
  }

  /** Makes the cap of a search. Undefined if no answer of it can exceed one. */
  static for(state: State, maxPerSource: number | undefined, topK: number): SourceCap | undefined {
    if ((maxPerSource ?? defaultMost) >= topK) return undefined;
    if (maxPerSource === undefined && !state.columns.hasBelow(standard)) return undefined;
    return new SourceCap(state, new Sources(state), maxPerSource ?? defaultMost, maxPerSource === undefined);
  }

  /** Makes a cap that allows so many times more of each source. */
  times(factor: number): SourceCap {
    return new SourceCap(this.#state, this.#sources, this.most * factor, this.isDefault);
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

type CappedRow = Pick<MemoryRow, 'row' | 'id' | 'source_channel' | 'source_ref'>;

/** Picks hits in the order of their scores, and passes over those that exceed a cap. */
export class SourcePicker {
  readonly #cap: SourceCap | undefined;
  readonly #taken = new Map<number | string, number>();
  /** How many hits are of each source so far. */
  readonly #sources = new Map<number | string, number>();
  /** How many rows of each limited source were offered, also those that are no hits of their own. */
  readonly #offered = new Map<number, number>();
  /** The limited sources that have a row which another hit stands for. */
  readonly #merged = new Set<number>();
  passedOver = 0;

  constructor(cap: SourceCap | undefined) {
    this.#cap = cap;
  }

  /** Returns whether a row may be among the hits, and counts it. */
  takes(record: CappedRow): boolean {
    if (this.#cap === undefined) return true;
    this.#offer(record);
    const keys = this.#keysOf(record);
    if (keys.some((key) => this.#countOf(key) >= (this.#cap as SourceCap).most)) {
      this.passOver();
      return false;
    }
    this.#count(record, keys, 1);
    return true;
  }

  /** Counts a row that exceeds the cap, as the ranking has found out. */
  passOver(): void {
    this.passedOver++;
  }

  /** Counts a row that another hit stands for. It takes nothing of what its source may have. */
  merge(record: CappedRow): void {
    if (this.#cap === undefined) return;
    const source = this.#offer(record);
    if (source !== unlimited) this.#merged.add(source);
  }

  /** Counts one row in place of another, unless it exceeds the cap. Returns whether it does not. */
  replaces(taken: CappedRow, record: CappedRow): boolean {
    if (this.#cap === undefined) return true;
    const [before, after] = [this.#keysOf(taken), this.#keysOf(record)];
    this.#count(taken, before, -1);
    const isAllowed = after.every((key) => this.#countOf(key) < (this.#cap as SourceCap).most);
    this.#count(isAllowed ? record : taken, isAllowed ? after : before, 1);
    return isAllowed;
  }

  /** Whether all hits are from one source, and the default cap passed over others of it: then it protects nobody. */
  get hasOneSource(): boolean {
    const sources = [...this.#sources.values()].filter((count) => count > 0);
    return this.#cap?.isDefault === true && this.passedOver > 0 && sources.length === 1;
  }

  /**
   * Whether more rows of a source could be hits than a ranking had that was limited to `mostRanked` rows of each source, because other
   * hits stand for some of them.
   */
  needsMoreThan(mostRanked: number): boolean {
    const { most } = this.#cap ?? { most: 0 };
    return [...this.#merged].some(
      (source) => this.#countOf(source) < most && (this.#offered.get(source) ?? 0) >= mostRanked,
    );
  }

  #offer({ row }: CappedRow): number {
    const source = this.#cap?.of(row) ?? unlimited;
    if (source !== unlimited) this.#offered.set(source, (this.#offered.get(source) ?? 0) + 1);
    return source;
  }

  /** What the cap counts a row by: its source, and its reference. */
  #keysOf(record: CappedRow): (number | string)[] {
    const cap = this.#cap as SourceCap;
    const source = cap.of(record.row);
    const reference = cap.isLimited(record.row) ? referenceOf(record) : undefined;
    return [...(source === unlimited ? [] : [source]), ...(reference === undefined ? [] : [reference])];
  }

  #countOf(key: number | string): number {
    return this.#taken.get(key) ?? 0;
  }

  #count({ id }: CappedRow, keys: readonly (number | string)[], by: 1 | -1): void {
    for (const key of keys) this.#taken.set(key, this.#countOf(key) + by);
    const source = keys[0] ?? id;
    this.#sources.set(source, (this.#sources.get(source) ?? 0) + by);
  }
}

/** A page or a document is one source, whoever brings it. Other channels have references of their own, such as the name of a format. */
export function referenceOf({ source_channel, source_ref }: Pick<MemoryRow, 'source_channel' | 'source_ref'>) {
  if (source_ref === null || (source_channel !== 'tool' && source_channel !== 'document')) return undefined;
  return `${source_channel} ${source_ref}`;
}
