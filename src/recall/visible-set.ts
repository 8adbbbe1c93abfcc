import { LRUCache } from 'lru-cache';
import type { ReadableLabelSetCache } from '../access/readable-label-sets';
import { defined } from '../domain/defined';
import type { Namespace } from '../domain/namespace';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { type Caller, emptyScope, narrowScope } from '../domain/scope';
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
  return {
    readable: readableIn(scope.namespace),
    criteria: {
      ...selection,
      ...defined({ facts }),
      scope,
      linked: { readable: readableIn(callerScope.namespace), scope: callerScope },
    },
    now: clock.now(),
  };
}

/** Checks whether these criteria can be evaluated with the columns in RAM, without SQLite. */
export function isInColumns({ scope, filter, asOf, include }: SelectionCriteria): boolean {
  const { userId, agentId, sessionId, tags } = scope;
  const isNarrowed = [userId, agentId, sessionId, tags, filter, asOf].some((value) => value !== undefined);
  return !isNarrowed && include.size === 0;
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

/** A visible set with one byte for each memory of the store. It can follow changes. */
export class MaskedSet implements VisibleSet {
  readonly few = undefined;
  /** 1 for each row in the set, otherwise 0. Rows after the end of the array are not in the set. */
  mask: Uint8Array;
  /** The number of texts, and the number of tokens in these texts. */
  texts = 0;
  tokens = 0;
  /** A time in epoch milliseconds. No memory in the set expires before it. */
  firstExpiry = Number.POSITIVE_INFINITY;
  readonly vectors: VisibleVectors;
  readonly #columns: ColumnStore;
  #newest = Number.NEGATIVE_INFINITY;
  #topPriority = 0;
  #boundsAreCurrent = true;

  constructor(columns: ColumnStore) {
    this.#columns = columns;
    this.mask = new Uint8Array(columns.last + 1);
    this.vectors = new VisibleVectors(this);
  }

  /** The latest `validFrom` in the set. It limits how much recency can add to a score. */
  get newest(): number {
    this.#updateBounds();
    return this.#newest;
  }

  /** The highest priority in the set. */
  get topPriority(): number {
    this.#updateBounds();
    return this.#topPriority;
  }

  /** The approximate number of bytes that the set takes. */
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
    if (chunks[row] !== 0) this.vectors.add(row);
    this.#newest = Math.max(this.#newest, validFrom[row] as number);
    this.#topPriority = Math.max(this.#topPriority, priority[row] as number);
    this.firstExpiry = Math.min(this.firstExpiry, expiresAt[row] as number);
  }

  /** Removes a row that changed, and subtracts its earlier values from the counts. Does nothing if the row is not in the set. */
  remove({ row, lengthBefore, chunksBefore }: ChangedRow): void {
    if (this.mask[row] !== 1) return;
    this.mask[row] = 0;
    this.texts--;
    this.tokens -= lengthBefore;
    if (chunksBefore !== 0) this.vectors.removed();
    this.#boundsAreCurrent = false;
  }

  /** Adds every row that matches the compiled selection. The set must be empty. */
  // Uses local variables, because calling `add` for each memory in the store takes five times as long.
  addReadable({ readable, now }: CompiledSelection): void {
    const { last, labelSet, owner, active, expiresAt, length, chunks } = this.#columns;
    const { mask: readableLabelSets, owner: own } = readable;
    const { mask } = this;
    let [texts, tokens, vectors] = [0, 0, 0];
    let { firstExpiry } = this;
    for (let row = 1; row <= last; row++) {
      if (active[row] === 0 || readableLabelSets[labelSet[row] as number] !== 1) continue;
      if (owner[row] !== 0 && own !== 'any' && owner[row] !== own) continue;
      const expiry = expiresAt[row] as number;
      if (expiry <= now) continue;
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
    this.#boundsAreCurrent = false;
  }

  /** Checks whether a row has a vector in the space that searches use. */
  hasVector(row: number): boolean {
    return this.mask[row] === 1 && this.#columns.chunks[row] !== 0;
  }

  #updateBounds(): void {
    if (this.#boundsAreCurrent) return;
    const { validFrom, priority } = this.#columns;
    this.#newest = Number.NEGATIVE_INFINITY;
    this.#topPriority = 0;
    for (let row = 1; row < this.mask.length; row++) {
      if (this.mask[row] !== 1) continue;
      if ((validFrom[row] as number) > this.#newest) this.#newest = validFrom[row] as number;
      if ((priority[row] as number) > this.#topPriority) this.#topPriority = priority[row] as number;
    }
    this.#boundsAreCurrent = true;
  }

  #grow(row: number): void {
    if (row < this.mask.length) return;
    const larger = new Uint8Array(Math.max(row + 1, Math.ceil(this.mask.length * 1.25)));
    larger.set(this.mask);
    this.mask = larger;
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

/** The rows in a visible set that have vectors. */
class VisibleVectors implements VisibleRows {
  count = 0;
  readonly #set: MaskedSet;
  /** The rows in ascending order, with room for more. Undefined if a change did anything other than append a row. */
  #rows: Uint32Array | undefined;

  constructor(set: MaskedSet) {
    this.#set = set;
  }

  has(row: number): boolean {
    return this.#set.hasVector(row);
  }

  /** Returns the rows. The returned list does not change later, because rows are only added after its end. */
  rows(): Uint32Array {
    this.#rows ??= this.#gathered();
    return this.#rows.subarray(0, this.count);
  }

  add(row: number): void {
    const rows = this.#rows;
    const isHighest = rows !== undefined && (this.count === 0 || (rows[this.count - 1] as number) < row);
    if (!isHighest) this.#rows = undefined;
    else if (this.count < rows.length) rows[this.count] = row;
    else {
      const larger = new Uint32Array(Math.ceil(rows.length * 1.25) + 16);
      larger.set(rows);
      larger[this.count] = row;
      this.#rows = larger;
    }
    this.count++;
  }

  removed(): void {
    this.count--;
    this.#rows = undefined;
  }

  #gathered(): Uint32Array {
    const { length } = this.#set.mask;
    const rows = new Uint32Array(this.count + 16);
    let found = 0;
    for (let row = 1; row < length; row++) if (this.has(row)) rows[found++] = row;
    return rows;
  }
}

function visibleSetOf(state: StateView, selection: CompiledSelection): VisibleSet {
  if (isInColumns(selection.criteria)) return maskedSetOf(state, selection);
  const rows = state.selections.rows(selection);
  if (rows.length <= state.columns.last / rowsPerListedRow) return new ListedSet(state.columns, rows);
  const visible = new MaskedSet(state.columns);
  for (const row of rows) visible.add(row);
  return visible;
}

function maskedSetOf({ columns }: StateView, selection: CompiledSelection): MaskedSet {
  const visible = new MaskedSet(columns);
  visible.addReadable(selection);
  return visible;
}

// A set with a smaller share of the store's rows than this is a list. Work on a list takes longer for each row, and none for other rows.
const rowsPerListedRow = 64;

/** A visible set of few rows, for one search. The work that it takes follows the number of its rows, and not the size of the store. */
class ListedSet implements VisibleSet {
  readonly mask = new Uint8Array(0);
  readonly few: Uint32Array;
  readonly tokens: number = 0;
  readonly newest: number = Number.NEGATIVE_INFINITY;
  readonly topPriority: number = 0;
  readonly vectors: VisibleRows;

  /** @param rows The rows in ascending order. */
  constructor(columns: ColumnStore, rows: readonly number[]) {
    this.few = Uint32Array.from(rows);
    for (const row of rows) {
      this.tokens += columns.length[row] as number;
      this.newest = Math.max(this.newest, columns.validFrom[row] as number);
      this.topPriority = Math.max(this.topPriority, columns.priority[row] as number);
    }
    const withVector = this.few.filter((row) => columns.chunks[row] !== 0);
    this.vectors = {
      count: withVector.length,
      has: (row) => isIn(withVector, row),
      rows: () => withVector,
    };
  }

  get texts(): number {
    return this.few.length;
  }

  has(row: number): boolean {
    return isIn(this.few, row);
  }
}

/** Checks whether a row is in a list in ascending order. */
function isIn(rows: Uint32Array, row: number): boolean {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as number) < row) low = middle + 1;
    else high = middle;
  }
  return rows[low] === row;
}

/** Checks whether a row matches a selection, for selections that the columns in RAM are enough to evaluate. */
function isVisible(columns: ColumnStore, row: number, { readable, now }: CompiledSelection): boolean {
  const { labelSet, owner, active, expiresAt } = columns;
  if (active[row] === 0 || readable.mask[labelSet[row] as number] !== 1) return false;
  if (owner[row] !== 0 && readable.owner !== 'any' && owner[row] !== readable.owner) return false;
  return (expiresAt[row] as number) > now;
}

// This is enough for the teams of a large application. A set takes at most 5 bytes for each memory.
const maxCachedBytes = 32 * 2 ** 20;

interface CachedSet {
  readonly visible: MaskedSet;
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
  readonly #cached = new LRUCache<string, CachedSet>({
    maxSize: maxCachedBytes,
    sizeCalculation: ({ visible }) => visible.bytes,
  });

  constructor(state: StateView) {
    this.#state = state;
  }

  get(selection: CompiledSelection): VisibleSet {
    const { criteria, now } = selection;
    if (!isInColumns(criteria)) return visibleSetOf(this.#state, selection);
    const { columns, interning } = this.#state;
    // A selection that was compiled before a label set was added cannot decide about rows with that label set. Others must not share its set.
    if (selection.readable.mask.length <= interning.labelSetCount) return maskedSetOf(this.#state, selection);
    const key = keyOf(columns, selection);
    const cached = this.#cached.get(key);
    const isCurrent = cached !== undefined && cached.at <= now && now < cached.visible.firstExpiry;
    const changed = isCurrent ? columns.changedSince(cached.changeCount) : undefined;
    const visible =
      cached !== undefined && changed !== undefined ? cached.visible : maskedSetOf(this.#state, selection);
    if (changed?.length === 0) return visible;
    if (changed !== undefined) follow(visible, columns, changed, selection);
    this.#cached.set(key, { visible, changeCount: columns.changeCount, at: now });
    return visible;
  }
}

/** Makes the cache key for a selection. Two selections have the same key only if the same rows match. The key contains only integers. */
function keyOf(columns: ColumnStore, { readable: { grants, owner } }: CompiledSelection): string {
  if (owner === 'any') return `${grants} any`;
  return `${grants} ${columns.hasPrivateRows(owner) ? owner : 'none'}`;
}

function follow(
  visible: MaskedSet,
  columns: ColumnStore,
  changed: readonly ChangedRow[],
  selection: CompiledSelection,
): void {
  const followed = new Set<number>();
  for (const change of changed) {
    // Only the first change to a row matters: it has the values that the set has counted. The columns already have the latest values.
    if (followed.has(change.row)) continue;
    followed.add(change.row);
    visible.remove(change);
    if (isVisible(columns, change.row, selection)) visible.add(change.row);
  }
}
