import { LRUCache } from 'lru-cache';
import type { ReadableLabelSetCache, ReadableLabelSets } from '../access/readable-label-sets';
import type { Namespace } from '../domain/namespace';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import { type Caller, emptyScope, narrowScope } from '../domain/scope';
import type { Clock } from '../environment/environment';
import type { CompiledSelection, SelectionCriteria } from '../state/queries/selection-sql';
import type { ColumnStore } from '../state/read-model';
import type { VisibleRows } from '../vector-index/vector-index';
import type { StateView } from './state-view';

interface CompileContext {
  readonly state: StateView;
  readonly readable: ReadableLabelSetCache;
  readonly clock: Clock;
}

/** Compiles a selection for a caller. Undefined if the caller's scope excludes everything that is selected. */
export function compileSelection(
  { state, readable, clock }: CompileContext,
  { actor, scope: callerScope }: Caller,
  selection: ParsedSelection,
): CompiledSelection | undefined {
  const scope = narrowScope(callerScope, selection.scope);
  if (scope === emptyScope) return undefined;
  const { policy, interning } = state;
  const readableIn = (namespace: Namespace = []) => readable.get(actor, namespace, policy, interning);
  return {
    readable: readableIn(scope.namespace),
    criteria: { ...selection, scope, linked: { readable: readableIn(callerScope.namespace), scope: callerScope } },
    now: clock.now(),
  };
}

/** Whether the columns in memory are enough to evaluate these criteria. */
export function isInColumns({ scope, filter, asOf, include }: SelectionCriteria): boolean {
  const { userId, agentId, sessionId, tags } = scope;
  const isNarrowed = [userId, agentId, sessionId, tags, filter, asOf].some((value) => value !== undefined);
  return !isNarrowed && include.size === 0;
}

/**
 * The rows that a search may return: those that the caller may read and that the selection holds. Every count that a search uses
 * is taken over this set, so that memories outside it never change a score.
 */
export class VisibleSet {
  /** 1 for each row of the set. */
  readonly mask: Uint8Array;
  /** The number of texts, and of their tokens. */
  texts = 0;
  tokens = 0;
  /** The latest `validFrom` and the highest priority. No row gains more from recency and priority than these give. */
  newest = Number.NEGATIVE_INFINITY;
  topPriority = 0;
  /** The earliest expiry, in epoch milliseconds. */
  firstExpiry = Number.POSITIVE_INFINITY;
  readonly vectors: VisibleVectors;
  readonly #columns: ColumnStore;

  constructor(columns: ColumnStore) {
    this.#columns = columns;
    this.mask = new Uint8Array(columns.last + 1);
    this.vectors = new VisibleVectors(columns, this.mask);
  }

  /** The number of rows of each label set. */
  countByLabelSet(): { label_set: number; count: number }[] {
    return [...countLabelSets(this.mask, this.#columns.labelSet)].map(([label_set, count]) => ({ label_set, count }));
  }

  add(row: number): void {
    const { length, validFrom, priority, chunks, expiresAt } = this.#columns;
    this.mask[row] = 1;
    this.texts++;
    this.tokens += length[row] as number;
    if (chunks[row] !== 0) this.vectors.count++;
    if ((validFrom[row] as number) > this.newest) this.newest = validFrom[row] as number;
    if ((priority[row] as number) > this.topPriority) this.topPriority = priority[row] as number;
    if ((expiresAt[row] as number) < this.firstExpiry) this.firstExpiry = expiresAt[row] as number;
  }
}

function countLabelSets(mask: Uint8Array, labelSet: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (let row = 1; row < mask.length; row++) {
    if (mask[row] !== 1) continue;
    const id = labelSet[row] as number;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** The rows of a visible set that have vectors. */
class VisibleVectors implements VisibleRows {
  count = 0;
  readonly #columns: ColumnStore;
  readonly #mask: Uint8Array;
  #rows: Uint32Array | undefined;

  constructor(columns: ColumnStore, mask: Uint8Array) {
    this.#columns = columns;
    this.#mask = mask;
  }

  has(row: number): boolean {
    return this.#mask[row] === 1 && this.#columns.chunks[row] !== 0;
  }

  rows(): Uint32Array {
    if (this.#rows !== undefined) return this.#rows;
    const rows = new Uint32Array(this.count);
    let found = 0;
    for (let row = 1; row < this.#mask.length; row++) if (this.has(row)) rows[found++] = row;
    this.#rows = rows.subarray(0, found);
    return this.#rows;
  }
}

function visibleSetOf(state: StateView, selection: CompiledSelection): VisibleSet {
  const visible = new VisibleSet(state.columns);
  if (isInColumns(selection.criteria)) addReadable(visible, state.columns, selection);
  else for (const row of state.selections.rows(selection)) visible.add(row);
  return visible;
}

// Uses local variables in place of `add`: it visits every memory of the store for nearly every search, and a call of `add` for
// each takes five times as long.
function addReadable(visible: VisibleSet, columns: ColumnStore, { readable, now }: CompiledSelection): void {
  const { last, labelSet, owner, active, expiresAt, length, chunks, validFrom, priority } = columns;
  const { mask: readableLabelSets, owner: own } = readable;
  const { mask } = visible;
  let [texts, tokens, vectors] = [0, 0, 0];
  let { newest, topPriority, firstExpiry } = visible;
  for (let row = 1; row <= last; row++) {
    if (active[row] === 0 || readableLabelSets[labelSet[row] as number] !== 1) continue;
    if (owner[row] !== 0 && own !== 'any' && owner[row] !== own) continue;
    const expiry = expiresAt[row] as number;
    if (expiry <= now) continue;
    mask[row] = 1;
    texts++;
    tokens += length[row] as number;
    if (chunks[row] !== 0) vectors++;
    const since = validFrom[row] as number;
    if (since > newest) newest = since;
    const rowPriority = priority[row] as number;
    if (rowPriority > topPriority) topPriority = rowPriority;
    if (expiry < firstExpiry) firstExpiry = expiry;
  }
  visible.texts = texts;
  visible.tokens = tokens;
  visible.vectors.count = vectors;
  visible.newest = newest;
  visible.topPriority = topPriority;
  visible.firstExpiry = firstExpiry;
}

// A set takes a byte and a bit for each memory of the store, so that only a few callers are cached.
const maxCachedSets = 8;

interface CachedSet {
  readonly visible: VisibleSet;
  readonly changeSeq: number;
  /** The embedding space decides which rows have vectors. */
  readonly space: number | undefined;
  readonly at: number;
}

/** Caches the visible sets of the latest callers until a memory changes or expires. */
export class VisibleSetCache {
  readonly #state: StateView;
  readonly #cached = new LRUCache<ReadableLabelSets, CachedSet>({ max: maxCachedSets });

  constructor(state: StateView) {
    this.#state = state;
  }

  get(selection: CompiledSelection): VisibleSet {
    const { readable, criteria, now } = selection;
    if (!isInColumns(criteria)) return visibleSetOf(this.#state, selection);
    const cached = this.#cached.get(readable);
    const { lastChangeSeq: changeSeq, interning } = this.#state;
    const space = interning.currentSpace?.id;
    const isSame = cached?.changeSeq === changeSeq && cached.space === space;
    if (isSame && cached.at <= now && now < cached.visible.firstExpiry) return cached.visible;
    const visible = visibleSetOf(this.#state, selection);
    this.#cached.set(readable, { visible, changeSeq, space, at: now });
    return visible;
  }
}
