import { isCleared, mayIn } from '../access/authorise';
import { MemoryError } from '../domain/errors';
import type { WithheldMemory } from '../domain/hold';
import type { Memory } from '../domain/memory';
import { isRoot, sameActor } from '../domain/principal';
import { type Caller, isInScope } from '../domain/scope';
import type { ReadContext } from '../recall/read-context';
import { withoutHiddenLinks } from '../recall/recheck';
import { type MemoryRow, memoryLabelsOf, memoryOf, scopedFieldsOfRow } from '../state/tables/memory-row';
import type { Engine } from './composition/engine';

const rowsPerStep = 100;

/**
 * Lists what was forgotten under a legal hold and a caller may know of: where it may both audit and erase, with the access tags that it is
 * cleared for, and nothing that is private to another author. To anybody else there is nothing, whether or not there is a hold.
 *
 * @param after The id of the last one of an earlier list.
 * @throws RECORD_DAMAGED, for the host alone
 */
export function withheldMemories(
  engine: Pick<Engine, 'state' | 'reading'>,
  caller: Caller,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): WithheldMemory[] {
  const { state } = engine;
  // Loads changes that another process has written.
  const context = engine.reading();
  return state.snapshot(() => {
    const view = new WithheldView(state, context, caller);
    const found: WithheldMemory[] = [];
    if (view.isEmpty) return found;
    for (let from = view.rowAfter(after); ; ) {
      const rows = state.holds.withheldRows(from, rowsPerStep);
      for (const row of rows) {
        const memory = view.memory(row);
        if (memory !== undefined) found.push(memory);
        if (found.length === limit) return found;
      }
      if (rows.length < rowsPerStep) return found;
      from = rows.at(-1) as number;
    }
  });
}

class WithheldView {
  readonly #state: Engine['state'];
  readonly #context: ReadContext;
  readonly #caller: Caller;
  /** The label sets whose memories the caller may know of. */
  readonly #labelSets = new Set<number>();

  constructor(state: Engine['state'], context: ReadContext, caller: Caller) {
    this.#state = state;
    this.#context = context;
    this.#caller = caller;
    const { policy, interning } = state;
    const { actor } = caller;
    for (let id = 1; id <= interning.labelSetCount; id++) {
      const { namespace, accessTags } = interning.labelSet(id);
      const isPermitted = mayIn(policy, actor, 'audit', namespace) && mayIn(policy, actor, 'erase', namespace);
      if (isPermitted && isCleared(policy, actor, accessTags, namespace)) this.#labelSets.add(id);
    }
  }

  get isEmpty(): boolean {
    return this.#labelSets.size === 0;
  }

  /** The row after which a list goes on. An id that the caller may not know of has none, whether or not it exists. */
  rowAfter(id: string | undefined): number {
    const row = id === undefined ? undefined : this.#state.records.tombstoneOrRecord(id)?.row;
    if (row === undefined) return 0;
    return isRoot(this.#caller.actor) || this.memory(row) !== undefined ? row : 0;
  }

  /** Undefined if the caller may not know of it. */
  memory(row: number): WithheldMemory | undefined {
    const state = this.#state;
    const tombstone = state.records.tombstoneOrRecordOfRow(row);
    if (tombstone === undefined || !this.#labelSets.has(tombstone.label_set)) return undefined;
    const all = this.#revisionsOf(row);
    const latest = all.at(-1);
    if (latest === undefined || !this.#mayKnow(latest)) return undefined;
    const revisions = all.filter((each) => this.#mayKnow(each)).map((each) => this.#memoryOf(each));
    return { id: tombstone.id, forgottenAt: new Date(tombstone.updated_at), revisions };
  }

  #revisionsOf(row: number): MemoryRow[] {
    try {
      return this.#state.holds.revisionsOf(row);
    } catch (error) {
      // Whether others may know of it depends on what is damaged.
      if (isRoot(this.#caller.actor) || !MemoryError.is(error)) throw error;
      return [];
    }
  }

  #mayKnow(record: MemoryRow): boolean {
    const { actor, scope } = this.#caller;
    const { privateTo } = memoryLabelsOf(this.#state, record);
    const isOthers = privateTo !== undefined && !isRoot(actor) && !sameActor(privateTo, actor);
    return (
      !isOthers && this.#labelSets.has(record.label_set) && isInScope(scope, scopedFieldsOfRow(this.#state, record))
    );
  }

  #memoryOf(record: MemoryRow): Memory {
    const memory = memoryOf(record, this.#state.interning, this.#state.trustOf(record));
    return withoutHiddenLinks(this.#context, this.#caller, memory);
  }
}
