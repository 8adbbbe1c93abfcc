import { mayIn } from '../access/authorise';
import type { Namespace } from '../domain/namespace';
import type { ParsedSelection } from '../domain/parse/parse-selection';
import type { Caller } from '../domain/scope';
import { nextTurn } from '../environment/timers';
import { gatherFacts } from '../recall/gather-facts';
import type { ReadContext } from '../recall/read-context';
import { compileSelection } from '../recall/visible-set';
import type { SourceColumns } from '../state/queries/selection-queries';
import { groupKeyOf, ineligibility, isFact } from '../state/source-eligibility';
import type { SkipReason } from './consolidation-options';

/** How memories are divided into groups. */
export interface Grouping {
  readonly groupBy: readonly ('session' | 'day')[];
  readonly minSources: number;
  readonly maxSources: number;
  /** The longest group, in bytes of the texts. */
  readonly maxBytes: number;
  /** Whether facts are sources, too. */
  readonly facts: boolean;
  /** Whether memories in a namespace are taken. Default: all. */
  covers?(namespace: Namespace): boolean;
  /** Whether the memory of a row is taken. Others are not counted as skipped. Default: all. */
  takes?(row: number): boolean;
  /** Only memories that were written at this time or before, in epoch milliseconds. */
  readonly writtenUpTo: number;
}

/** Memories from which a summarizer makes facts. Their texts are not loaded yet. */
export interface PlannedGroup {
  /** What is equal in all memories of the group, without what `groupBy` says. */
  readonly scope: string;
  /** In the order of `validFrom`. */
  readonly sources: readonly SourceColumns[];
}

/** The groups of a selection, and how many memories of it are in none. */
export interface Plan {
  readonly groups: readonly PlannedGroup[];
  readonly skipped: ReadonlyMap<SkipReason, number>;
}

// A few milliseconds of work in one turn of the event loop.
const rowsPerTurn = 2_000;
const dayMs = 24 * 60 * 60 * 1000;

/** Divides the active memories of a selection into groups. It reads a few thousand rows in each turn of the event loop. */
export async function planGroups(
  context: ReadContext,
  caller: Caller,
  selection: ParsedSelection,
  grouping: Grouping,
  signal?: AbortSignal,
): Promise<Plan> {
  const planner = new Planner(context, caller, grouping);
  const facts = await gatherFacts(context, caller, selection, signal);
  const { columns } = context.state;
  const candidates = compileSelection(context, caller, selection, facts)?.candidates()?.sort();
  const count = candidates?.length ?? columns.last;
  for (let at = 0; at < count; at += rowsPerTurn) {
    signal?.throwIfAborted();
    if (at > 0) await nextTurn();
    const some = candidates?.subarray(at, at + rowsPerTurn);
    // The rules may have changed since the last turn.
    const rows = context.snapshot(() => {
      const compiled = compileSelection(context, caller, selection, facts);
      if (compiled === undefined) return [];
      const slice = some === undefined ? { after: at, upTo: at + rowsPerTurn } : { after: 0, upTo: columns.last };
      return context.state.selections.sources({ ...compiled, candidates: () => some }, slice);
    });
    for (const row of rows) planner.add(row);
  }
  return planner.plan();
}

class Planner {
  readonly #context: ReadContext;
  readonly #caller: Caller;
  readonly #grouping: Grouping;
  readonly #groups = new Map<string, { readonly scope: string; readonly sources: SourceColumns[] }>();
  readonly #skipped = new Map<SkipReason, number>();

  constructor(context: ReadContext, caller: Caller, grouping: Grouping) {
    this.#context = context;
    this.#caller = caller;
    this.#grouping = grouping;
  }

  add(row: SourceColumns): void {
    const { namespace } = this.#context.state.interning.labelSet(row.label_set);
    // Another policy decides about them.
    if (this.#grouping.covers?.(namespace) === false || this.#grouping.takes?.(row.row) === false) return;
    if (isFact(row) && !this.#grouping.facts) return;
    const reason = this.#reasonAgainst(row);
    if (reason !== undefined) {
      this.#skip(reason, 1);
      return;
    }
    const scope = groupKeyOf(row, this.#context.state.trustOf(row));
    const key = JSON.stringify([scope, ...this.#partsOf(row)]);
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, { scope, sources: [row] });
    else group.sources.push(row);
  }

  plan(): Plan {
    const groups: PlannedGroup[] = [];
    for (const { scope, sources } of this.#groups.values()) {
      sources.sort((a, b) => a.valid_from - b.valid_from || a.row - b.row);
      for (const part of this.#divided(sources)) {
        if (part.length >= this.#grouping.minSources) groups.push({ scope, sources: part });
        else this.#skip('few', part.length);
      }
    }
    return { groups, skipped: this.#skipped };
  }

  #reasonAgainst(row: SourceColumns): SkipReason | undefined {
    const { state } = this.#context;
    const { writtenUpTo, maxBytes } = this.#grouping;
    const never = ineligibility(row, state.trustOf(row), state.derivations);
    if (never !== undefined) return never;
    if (row.created_at > writtenUpTo) return 'recent';
    if (row.bytes > maxBytes) return 'long';
    const { actor } = this.#caller;
    const { policy, interning } = state;
    const { namespace } = interning.labelSet(row.label_set);
    return mayIn(policy, actor, 'consolidate', namespace) ? undefined : 'forbidden';
  }

  /** What else is equal in a group. A fact expires with the first of its sources, so they expire on the same day. */
  #partsOf({ session_id, valid_from, expires_at }: SourceColumns): unknown[] {
    const { groupBy } = this.#grouping;
    return [
      groupBy.includes('session') ? session_id : null,
      groupBy.includes('day') ? Math.floor(valid_from / dayMs) : null,
      expires_at === null ? null : Math.floor(expires_at / dayMs),
    ];
  }

  /** Parts of equal size that a summarizer can read. */
  #divided(sources: readonly SourceColumns[]): SourceColumns[][] {
    const { maxSources, maxBytes } = this.#grouping;
    const size = Math.ceil(sources.length / Math.ceil(sources.length / maxSources));
    const parts: SourceColumns[][] = [];
    let bytes = 0;
    for (const source of sources) {
      const last = parts.at(-1);
      if (last === undefined || last.length >= size || bytes + source.bytes > maxBytes) {
        parts.push([source]);
        bytes = source.bytes;
      } else {
        last.push(source);
        bytes += source.bytes;
      }
    }
    return parts;
  }

  #skip(reason: SkipReason, count: number): void {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + count);
  }
}
