import { LRUCache } from 'lru-cache';
import type { ReadableLabelSetCache } from '../access/readable-label-sets';
import { leastTrust } from '../access/trust-floor';
import { defined } from '../domain/defined';
import type { FilterNode } from '../domain/filter';
import type { Namespace } from '../domain/namespace';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { type Caller, emptyScope, narrowScope, type ParsedScope } from '../domain/scope';
import type { Clock } from '../environment/environment';
import type { FilterFacts } from '../state/queries/filter-facts';
import type { CompiledSelection, SelectionCriteria } from '../state/queries/selection-sql';
import type { ChangedRow, ColumnStore } from '../state/read-model';
import type { VisibleRows } from '../vector-index/vector-index';
import type { StateView } from './state-view';

interface CompileContext {
  readonly state: StateView;
  readonly readable: ReadableLabelSetCache;
  readonly clock: Clock;
}

/** Compiles a selection for a caller. Undefined if nothing selected is within the caller's scope. */
export function compileSelection(
  { state, readable, clock }: CompileContext,
  { actor, scope: callerScope }: Caller,
  selection: ParsedSelection,
  facts?: FilterFacts,
): CompiledSelection | undefined {
  const scope = narrowScope(callerScope, selection.scope);
  if (scope === emptyScope) return undefined;
  const { policy, interning } = state;
  const readableIn = (namespace: Namespace = []) => readable.get(actor, namespace, policy, interning);
  const access = {
    readable: readableIn(scope.namespace),
    criteria: {
      ...selection,
      ...defined({ facts }),
      scope,
      linked: { readable: readableIn(callerScope.namespace), scope: callerScope },
    },
  };
  const { columns } = state;
  const seesQuarantined = selection.include.has('quarantined') && scope.minTrust === undefined;
  const quarantined = seesQuarantined
    ? readable.endorsable(actor, scope.namespace ?? [], policy, interning)
    : undefined;
  const trusted = {
    least: leastTrust(scope),
    leastLinked: leastTrust(callerScope),
    columns,
    ...defined({ quarantined }),
  };
  const kept = columns.hasRetention ? { kept: columns } : {};
  return { ...access, trusted, ...kept, now: clock.now(), candidates: () => candidateRows(state.columns, access) };
}

/** Checks whether these criteria can be evaluated with the columns in RAM, without SQLite. */
export function isInColumns({ filter, asOf, include }: SelectionCriteria): boolean {
  return filter === undefined && asOf === undefined && include.size === 0;
}

/** Makes a test for the rows that match a selection which `isInColumns`. It is right until the next change of a row. */
export function visibilityTest(
  columns: ColumnStore,
  { readable, criteria, now, trusted: { least } }: CompiledSelection,
): (row: number) => boolean {
  const { labelSet, owner, active, expiresAt, trust } = columns;
  const needsTrust = columns.hasBelow(least);
  const scoped = columns.scoped(criteria.scope);
  return (row) => {
    if (active[row] === 0 || readable.mask[labelSet[row] as number] !== 1) return false;
    if (owner[row] !== 0 && readable.owner !== 'any' && owner[row] !== readable.owner) return false;
    if ((expiresAt[row] as number) <= now) return false;
    if (needsTrust && (trust[row] as number) <= least) return false;
    for (const { has } of scoped) if (!has(row)) return false;
    return true;
  };
}

// Looking at a row of a list takes longer than looking at one row after another, so a list must be so much shorter than the store.
const leastRowsPerCandidate = 8;

/**
 * Returns rows among which all rows of a selection are, in no order: those of its user, session, agent, a tag, or its label sets, whichever
 * are the fewest. Undefined if these are a large part of the store.
 */
export function candidateRows(
  columns: ColumnStore,
  { readable, criteria: { scope, filter } }: Pick<CompiledSelection, 'readable' | 'criteria'>,
): Uint32Array | undefined {
  const lists = columns.scoped(scope);
  if (filter !== undefined) for (const equal of requiredScopes(filter)) lists.push(...columns.scoped(equal));
  const limit = Math.floor(columns.last / leastRowsPerCandidate);
  const [shortest] = lists.sort((a, b) => a.count - b.count);
  const least = Math.min(limit, shortest?.count ?? limit);
  if (columns.countInLabelSets(readable.labelSets, least) <= least) return columns.inLabelSets(readable.labelSets);
  return shortest !== undefined && shortest.count <= limit ? shortest.rows() : undefined;
}

/** Scopes that contain every memory which matches a filter. */
function requiredScopes(filter: FilterNode): ParsedScope[] {
  if (filter.op === 'and') return filter.nodes.flatMap(requiredScopes);
  if (filter.op !== 'compare' || !('name' in filter.field)) return [];
  const { field, operator, operands } = filter;
  const [value] = operands;
  if (typeof value !== 'string') return [];
  if (field.name === 'tags') return operator === 'contains' ? [{ tags: [value] }] : [];
  const isScoped = field.name === 'userId' || field.name === 'sessionId' || field.name === 'agentId';
  return isScoped && operator === 'eq' ? [{ [field.name]: value }] : [];
}

/**
 * The rows that a search may return: they match the selection, and the caller may read them. All counts that a search uses include only
 * these rows, so other memories never change a score.
 */
export interface VisibleSet extends VisibleTextCounts {
  has(row: number): boolean;
  /** The rows in ascending order, if they are few. Otherwise undefined, and `mask` is 1 for each row in the set. */
  readonly few: Uint32Array | undefined;
  readonly mask: Uint8Array;
  /** The latest `validFrom` in the set. It limits how much recency can add to a score. */
  readonly newest: number;
  /** The highest priority in the set. */
  readonly topPriority: number;
  /** The rows in the set that have vectors. */
  readonly vectors: VisibleRows;
}

interface VisibleTextCounts {
  /** The number of texts, and the number of tokens in these texts. */
  readonly texts: number;
  readonly tokens: number;
}

/** A visible set that the cache keeps, and that follows changes. */
export interface FollowingSet extends VisibleSet {
  /** The approximate number of bytes that the set takes. */
  readonly bytes: number;
  /** A time in epoch milliseconds. No memory in the set expires before it. */
  readonly firstExpiry: number;
  /** Returns the set after some rows have changed. It may be the same object. */
  follow(changed: readonly ChangedRow[], isVisible: (row: number) => boolean): FollowingSet;
}

// A set with a smaller share of the rows of the store than this is a list. Work on a list takes longer for each row, and none for others.
const rowsPerListedRow = 16;

/** A visible set with one byte for each memory of the store. */
export class MaskedSet implements FollowingSet {
  readonly few = undefined;
  /** 1 for each row in the set, otherwise 0. Rows after the end of the array are not in the set. */
  mask: Uint8Array;
  /** The number of texts, and the number of tokens in these texts. */
  texts = 0;
  tokens = 0;
  firstExpiry = Number.POSITIVE_INFINITY;
  readonly vectors: VisibleVectors;
  readonly #columns: ColumnStore;
  #changeCount: number;
  readonly #newest = new Highest(Number.NEGATIVE_INFINITY);
  readonly #topPriority = new Highest(0);

  constructor(columns: ColumnStore) {
    this.#columns = columns;
    this.#changeCount = columns.changeCount;
    this.mask = new Uint8Array(columns.last + 1);
    this.vectors = new VisibleVectors(this);
  }

  get newest(): number {
    return this.#newest.value ?? this.#newest.find(this.mask, this.#columns.validFrom, this.isCurrent);
  }

  get topPriority(): number {
    return this.#topPriority.value ?? this.#topPriority.find(this.mask, this.#columns.priority, this.isCurrent);
  }

  /** Whether no row has changed since the set was made or followed the changes. Nothing may be kept that was found out at another time. */
  get isCurrent(): boolean {
    return this.#changeCount === this.#columns.changeCount;
  }

  get bytes(): number {
    return 512 + this.mask.length + Uint32Array.BYTES_PER_ELEMENT * this.vectors.count;
  }

  has(row: number): boolean {
    return this.mask[row] === 1;
  }

  add(row: number): void {
    const { length, validFrom, priority, chunks, expiresAt } = this.#columns;
    this.#grow(row);
    this.mask[row] = 1;
    this.texts++;
    this.tokens += length[row] as number;
    if (chunks[row] !== 0) this.vectors.count++;
    this.#newest.add(validFrom[row] as number);
    this.#topPriority.add(priority[row] as number);
    this.firstExpiry = Math.min(this.firstExpiry, expiresAt[row] as number);
  }

  /** Adds every row that matches the compiled selection, which `isInColumns`. The set must be empty. */
  // Uses local variables, because calling `add` for each memory in the store takes five times as long.
  addReadable({ readable, criteria, now, trusted: { least } }: CompiledSelection): void {
    const { last, labelSet, owner, active, expiresAt, length, chunks, trust } = this.#columns;
    const needsTrust = this.#columns.hasBelow(least);
    const { mask: readableLabelSets, owner: own } = readable;
    const scoped = this.#columns.scoped(criteria.scope);
    const { mask } = this;
    let [texts, tokens, vectors] = [0, 0, 0];
    let { firstExpiry } = this;
    for (let row = 1; row <= last; row++) {
      if (active[row] === 0 || readableLabelSets[labelSet[row] as number] !== 1) continue;
      if (owner[row] !== 0 && own !== 'any' && owner[row] !== own) continue;
      if (needsTrust && (trust[row] as number) <= least) continue;
      const expiry = expiresAt[row] as number;
      if (expiry <= now || (scoped.length > 0 && !scoped.every(({ has }) => has(row)))) continue;
      mask[row] = 1;
      texts++;
      tokens += length[row] as number;
      if (chunks[row] !== 0) vectors++;
      if (expiry < firstExpiry) firstExpiry = expiry;
    }
    this.texts = texts;
    this.tokens = tokens;
    this.vectors.count = vectors;
    this.firstExpiry = firstExpiry;
    this.#newest.forget();
    this.#topPriority.forget();
  }

  /** The same set as a list, if it has few rows. */
  asListed(): FollowingSet {
    const { mask, texts } = this;
    if (texts > this.#columns.last / rowsPerListedRow) return this;
    const rows = new Uint32Array(texts);
    for (let row = 1, found = 0; found < texts; row++) if (mask[row] === 1) rows[found++] = row;
    return ListedSet.of(this.#columns, rows);
  }

  follow(changed: readonly ChangedRow[], isVisible: (row: number) => boolean): FollowingSet {
    const { length, validFrom, priority, chunks, expiresAt } = this.#columns;
    const edits: RowEdit[] = [];
    this.#changeCount = this.#columns.changeCount;
    for (const before of firstChanges(changed)) {
      const { row } = before;
      const [was, is] = [this.has(row), isVisible(row)];
      if (was) {
        this.texts--;
        this.tokens -= before.lengthBefore;
        this.#newest.remove(before.validFromBefore);
        this.#topPriority.remove(before.priorityBefore);
        this.mask[row] = 0;
      }
      if (is) {
        this.#grow(row);
        this.mask[row] = 1;
        this.texts++;
        this.tokens += length[row] as number;
        this.#newest.add(validFrom[row] as number);
        this.#topPriority.add(priority[row] as number);
        this.firstExpiry = Math.min(this.firstExpiry, expiresAt[row] as number);
      }
      const hasVector = is && chunks[row] !== 0;
      if (hasVector !== (was && before.chunksBefore !== 0)) edits.push({ row, isAdded: hasVector });
    }
    this.vectors.edit(edits);
    // Half of the limit, so that a set does not change its form all the time.
    return this.texts * 2 > this.#columns.last / rowsPerListedRow ? this : this.asListed();
  }

  /** Checks whether a row has a vector in the space that searches use. */
  hasVector(row: number): boolean {
    return this.mask[row] === 1 && this.#columns.chunks[row] !== 0;
  }

  #grow(row: number): void {
    if (row < this.mask.length) return;
    const larger = new Uint8Array(Math.max(row + 1, Math.ceil(this.mask.length * 1.25)));
    larger.set(this.mask);
    this.mask = larger;
  }
}

/** The first change of each row. It has the values that a set has counted, and the columns already have the latest ones. */
function firstChanges(changed: readonly ChangedRow[]): Iterable<ChangedRow> {
  if (changed.length < 2) return changed;
  const first = new Map<number, ChangedRow>();
  for (const change of changed) if (!first.has(change.row)) first.set(change.row, change);
  return first.values();
}

/** The highest value of one column among the rows of a set. It counts the rows that have it, so that it rarely has to be found again. */
class Highest {
  readonly #none: number;
  #value: number;
  #count = 0;
  #isKnown = true;

  constructor(none: number) {
    this.#none = none;
    this.#value = none;
  }

  /** Undefined if it must be found again. */
  get value(): number | undefined {
    return this.#isKnown ? this.#value : undefined;
  }

  forget(): void {
    this.#isKnown = false;
    this.#value = Number.POSITIVE_INFINITY;
  }

  add(value: number): void {
    if (value > this.#value || (value === this.#value && !this.#isKnown)) {
      this.#value = value;
      this.#count = 1;
      this.#isKnown = true;
    } else if (value === this.#value) this.#count++;
  }

  remove(value: number): void {
    if (this.#isKnown && value === this.#value && --this.#count === 0) this.#isKnown = false;
  }

  find(mask: Uint8Array, column: Float64Array, isKept: boolean): number {
    let [highest, count] = [this.#none, 0];
    for (let row = 1; row < mask.length; row++) {
      if (mask[row] !== 1) continue;
      const value = column[row] as number;
      if (value < highest) continue;
      if (value > highest) {
        highest = value;
        count = 0;
      }
      count++;
    }
    if (isKept) [this.#value, this.#count, this.#isKnown] = [highest, count, true];
    return highest;
  }
}

/** Counts the rows of a set with each label set. */
export function countByLabelSet(
  { few, mask }: VisibleSet,
  { labelSet }: ColumnStore,
): { label_set: number; count: number }[] {
  const counts = new Map<number, number>();
  const add = (row: number) => {
    const id = labelSet[row] as number;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  };
  if (few !== undefined) few.forEach(add);
  else for (let row = 1; row < mask.length; row++) if (mask[row] === 1) add(row);
  return Array.from(counts, ([label_set, count]) => ({ label_set, count }));
}

/** A row that a list of rows gets or loses. */
interface RowEdit {
  readonly row: number;
  readonly isAdded: boolean;
}

/** A copy of some rows in ascending order, after edits, with room for more. Each row is edited once. */
function edited(rows: Uint32Array, edits: readonly RowEdit[], room: number): Uint32Array {
  const result = new Uint32Array(rows.length + edits.length + room);
  let [from, at] = [0, 0];
  for (const { row, isAdded } of [...edits].sort((a, b) => a.row - b.row)) {
    const place = placeOf(rows, row);
    result.set(rows.subarray(from, place), at);
    at += place - from;
    from = isAdded ? place : place + 1;
    if (isAdded) result[at++] = row;
  }
  result.set(rows.subarray(from), at);
  return result.subarray(0, at + rows.length - from + room);
}

/** The rows in a visible set that have vectors. */
class VisibleVectors implements VisibleRows {
  count = 0;
  readonly #set: MaskedSet;
  /** The rows in ascending order, with room for more. Undefined until they are needed. */
  #rows: Uint32Array | undefined;

  constructor(set: MaskedSet) {
    this.#set = set;
  }

  has(row: number): boolean {
    return this.#set.hasVector(row);
  }

  /** Returns the rows. The returned list does not change later, because rows are only added after its end. */
  rows(): Uint32Array {
    const rows = this.#rows ?? this.#gathered();
    if (this.#set.isCurrent) this.#rows = rows;
    return rows.subarray(0, this.count);
  }

  edit(edits: readonly RowEdit[]): void {
    const before = this.#rows?.subarray(0, this.count);
    this.count += edits.reduce((sum, { isAdded }) => sum + (isAdded ? 1 : -1), 0);
    if (this.#rows === undefined || before === undefined || edits.length === 0) return;
    const isAppended = edits.every(
      ({ row, isAdded }, i) => isAdded && row > (i > 0 ? (edits[i - 1] as RowEdit).row : (before.at(-1) ?? 0)),
    );
    if (isAppended && this.count <= this.#rows.length) {
      for (const [i, { row }] of edits.entries()) this.#rows[before.length + i] = row;
    } else this.#rows = edited(before, edits, Math.ceil(this.count / 8) + 16);
  }

  #gathered(): Uint32Array {
    const { length } = this.#set.mask;
    const rows = new Uint32Array(this.count + 16);
    let found = 0;
    for (let row = 1; row < length; row++) if (this.has(row)) rows[found++] = row;
    return rows;
  }
}

function visibleSetOf({ columns, selections }: StateView, selection: CompiledSelection): FollowingSet {
  if (!isInColumns(selection.criteria)) return setOf(columns, Uint32Array.from(selections.rows(selection)));
  const candidates = selection.candidates();
  if (candidates !== undefined) return setOf(columns, visibleAmong(candidates, visibilityTest(columns, selection)));
  const visible = new MaskedSet(columns);
  visible.addReadable(selection);
  return visible.asListed();
}

/** Returns those of the candidates that are visible, in ascending order. It changes the candidates. */
function visibleAmong(candidates: Uint32Array, isVisible: (row: number) => boolean): Uint32Array {
  let [count, last] = [0, 0];
  let isAscending = true;
  for (let i = 0; i < candidates.length; i++) {
    const row = candidates[i] as number;
    if (!isVisible(row)) continue;
    isAscending &&= row > last;
    last = row;
    candidates[count++] = row;
  }
  const rows = candidates.slice(0, count);
  return isAscending ? rows : rows.sort();
}

/** @param rows In ascending order. */
function setOf(columns: ColumnStore, rows: Uint32Array): FollowingSet {
  return rows.length <= columns.last / rowsPerListedRow ? ListedSet.of(columns, rows) : maskedSetOf(columns, rows);
}

function maskedSetOf(columns: ColumnStore, rows: Uint32Array): MaskedSet {
  const visible = new MaskedSet(columns);
  for (const row of rows) visible.add(row);
  return visible;
}

/** The rows of a set whose `validFrom` is in a span of time. */
function setDuring(
  columns: ColumnStore,
  { few, mask }: VisibleSet,
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: NonNullable<SelectionCriteria['during']>,
): VisibleSet {
  const { validFrom } = columns;
  const isWithin = (row: number) => (validFrom[row] as number) >= from && (validFrom[row] as number) < to;
  if (few !== undefined) return setOf(columns, few.filter(isWithin));
  const rows: number[] = [];
  for (let row = 1; row < mask.length; row++) if (mask[row] === 1 && isWithin(row)) rows.push(row);
  return setOf(columns, Uint32Array.from(rows));
}

const noMask = new Uint8Array(0);

/** A visible set of few rows. The work that it takes follows the number of its rows, and not the size of the store. It never changes. */
class ListedSet implements FollowingSet {
  readonly mask = noMask;
  readonly few: Uint32Array;
  readonly tokens: number;
  readonly firstExpiry: number;
  readonly #columns: ColumnStore;
  #bounds: { readonly newest: number; readonly topPriority: number } | undefined;
  #vectors: VisibleRows | undefined;

  /** @param few The rows in ascending order. */
  constructor(columns: ColumnStore, few: Uint32Array, tokens: number, firstExpiry: number) {
    this.#columns = columns;
    this.few = few;
    this.tokens = tokens;
    this.firstExpiry = firstExpiry;
  }

  /** @param rows The rows in ascending order. */
  static of(columns: ColumnStore, rows: Uint32Array): ListedSet {
    let [tokens, firstExpiry] = [0, Number.POSITIVE_INFINITY];
    for (const row of rows) {
      tokens += columns.length[row] as number;
      firstExpiry = Math.min(firstExpiry, columns.expiresAt[row] as number);
    }
    return new ListedSet(columns, rows, tokens, firstExpiry);
  }

  get texts(): number {
    return this.few.length;
  }

  get newest(): number {
    return this.#found().newest;
  }

  get topPriority(): number {
    return this.#found().topPriority;
  }

  get vectors(): VisibleRows {
    this.#vectors ??= vectorsAmong(this.few, this.#columns);
    return this.#vectors;
  }

  get bytes(): number {
    return 512 + 2 * this.few.byteLength;
  }

  has(row: number): boolean {
    return isIn(this.few, row);
  }

  follow(changed: readonly ChangedRow[], isVisible: (row: number) => boolean): FollowingSet {
    const { length, expiresAt, last } = this.#columns;
    const edits: RowEdit[] = [];
    let { tokens, firstExpiry } = this;
    let isSame = true;
    for (const { row, lengthBefore } of firstChanges(changed)) {
      const [was, is] = [this.has(row), isVisible(row)];
      if (!was && !is) continue;
      isSame = false;
      if (was) tokens -= lengthBefore;
      if (is) tokens += length[row] as number;
      if (is) firstExpiry = Math.min(firstExpiry, expiresAt[row] as number);
      if (was !== is) edits.push({ row, isAdded: is });
    }
    if (isSame) return this;
    const rows = edits.length === 0 ? this.few : edited(this.few, edits, 0);
    if (rows.length > (2 * last) / rowsPerListedRow) return maskedSetOf(this.#columns, rows);
    return new ListedSet(this.#columns, rows, tokens, firstExpiry);
  }

  #found() {
    const { validFrom, priority } = this.#columns;
    if (this.#bounds !== undefined) return this.#bounds;
    let [newest, topPriority] = [Number.NEGATIVE_INFINITY, 0];
    for (const row of this.few) {
      newest = Math.max(newest, validFrom[row] as number);
      topPriority = Math.max(topPriority, priority[row] as number);
    }
    this.#bounds = { newest, topPriority };
    return this.#bounds;
  }
}

function vectorsAmong(few: Uint32Array, { chunks }: ColumnStore): VisibleRows {
  const rows = few.filter((row) => chunks[row] !== 0);
  return { count: rows.length, has: (row) => isIn(rows, row), rows: () => rows };
}

/** Checks whether a row is in a list in ascending order. */
function isIn(rows: Uint32Array, row: number): boolean {
  return rows[placeOf(rows, row)] === row;
}

/** The place of the first row of a list in ascending order that is this one or a higher one. */
function placeOf(rows: Uint32Array, row: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as number) < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

// This is enough for the teams of a large application. A set takes at most 5 bytes for each memory.
const maxCachedBytes = 32 * 2 ** 20;

interface CachedSet {
  readonly visible: FollowingSet;
  /** The set includes all changes up to this `changeCount` of the `ColumnStore`. */
  readonly changeCount: number;
  readonly at: number;
}

/**
 * Caches the visible sets of the latest callers. When a set is used again, it is updated with the rows that changed since its last use.
 * Callers with the same rules share a set. A caller with private memories has its own set.
 */
export class VisibleSetCache {
  readonly #state: StateView;
  readonly #cached: LRUCache<string, CachedSet>;

  /** @param maxBytes The limit of memory. The sets that were not used for the longest time are dropped first. */
  constructor(state: StateView, maxBytes = maxCachedBytes) {
    this.#state = state;
    this.#cached = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ visible }, key) => visible.bytes + 2 * key.length,
    });
  }

  /** The approximate number of bytes of RAM. */
  get bytes(): number {
    return this.#cached.calculatedSize;
  }

  get(selection: CompiledSelection): VisibleSet {
    const { criteria, now } = selection;
    const { columns, interning } = this.#state;
    if (criteria.during !== undefined && isInColumns(criteria)) {
      // Spans of time rarely repeat, and would take the place of other sets. So the set without the span is the one that is kept.
      const { during, ...others } = criteria;
      return setDuring(columns, this.get({ ...selection, criteria: others }), during);
    }
    // A selection that was compiled before a label set was added cannot decide about rows with that label set. Others must not share its set.
    const isOutdated = selection.readable.mask.length <= interning.labelSetCount;
    if (!isInColumns(criteria) || isOutdated) return visibleSetOf(this.#state, selection);
    const key = keyOf(columns, selection);
    const cached = this.#cached.get(key);
    const isCurrent = cached !== undefined && cached.at <= now && now < cached.visible.firstExpiry;
    const changed = isCurrent ? columns.changedSince(cached.changeCount) : undefined;
    if (cached !== undefined && changed?.length === 0) return cached.visible;
    const visible =
      cached === undefined || changed === undefined
        ? visibleSetOf(this.#state, selection)
        : cached.visible.follow(changed, visibilityTest(columns, selection));
    this.#cached.set(key, { visible, changeCount: columns.changeCount, at: now });
    return visible;
  }
}

/** Makes the cache key for a selection. Two selections have the same key only if the same rows match. */
function keyOf(
  columns: ColumnStore,
  { readable: { grants, owner }, criteria: { scope }, trusted }: CompiledSelection,
): string {
  const reader = owner === 'any' || columns.hasPrivateRows(owner) ? owner : 'none';
  const { userId, sessionId, agentId, tags } = scope;
  const { least } = trusted;
  const rules = `${grants} ${reader} ${least} ${columns.retentionCount}`;
  if (userId === undefined && sessionId === undefined && agentId === undefined && tags === undefined) return rules;
  // The namespace is part of the grants. The JSON of a list is unambiguous.
  return `${rules} ${JSON.stringify([userId ?? null, sessionId ?? null, agentId ?? null, tags ?? []])}`;
}
