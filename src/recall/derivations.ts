import { invalidInput } from '../domain/errors';
import type { Memory } from '../domain/memory';
import type { Caller } from '../domain/scope';
import type { Derivation } from '../state/tables/derivations';
import type { MemoryRow } from '../state/tables/memory-row';
import { findRecord } from './get';
import type { ReadContext } from './read-context';
import { checkRecord, toMemory } from './recheck';
import { answerBytesOf } from './record-loader';

/** Reads the memories from which a memory was made. Only those that the caller may read. Empty if it may not read the memory itself. */
export function sourcesOf(context: ReadContext, caller: Caller, id: string): Memory[] {
  return related(context, caller, id, (row) =>
    context.state.derivations.ofRow(row).map(({ source, kind }) => ({ row: source, kind })),
  );
}

/** Reads the memories that were made from a memory. Only those that the caller may read. */
export function derivedFrom(context: ReadContext, caller: Caller, id: string): Memory[] {
  return related(context, caller, id, (row) => context.state.derivations.bySource(row));
}

/** The ids of the sources of a memory that was checked, and of what was made from it, as far as the caller may read them. */
export function linkedIds(
  context: ReadContext,
  caller: Caller,
  { row }: Pick<MemoryRow, 'row'>,
): { sources: string[]; derived: string[] } {
  const { derivations, records } = context.state;
  const readable = (linked: number, kind: Related['kind']) =>
    kind === 'omitted' ? [] : (checkRecord(context, caller, records.uncheckedByRow(linked))?.id ?? []);
  return {
    sources: derivations.ofRow(row).flatMap(({ source, kind }) => readable(source, kind)),
    derived: derivations.bySource(row).flatMap((each) => readable(each.row, each.kind)),
  };
}

type Related = Pick<Derivation, 'row' | 'kind'>;

/** @throws INVALID_INPUT if the memories do not fit into one answer */
function related(
  context: ReadContext,
  caller: Caller,
  id: string,
  linesOf: (row: number) => readonly Related[],
): Memory[] {
  const { state, limits } = context;
  return context.snapshot(() => {
    const record = findRecord(context, caller, id);
    if (record === undefined) return [];
    const memories: Memory[] = [];
    let bytes = 0;
    for (const { row, kind } of linesOf(record.row)) {
      // A source that the summarizer left out is no source of the fact. Its place is kept only so that it can be found again.
      if (kind === 'omitted') continue;
      const found = checkRecord(context, caller, state.records.uncheckedByRow(row));
      if (found === undefined) continue;
      memories.push(toMemory(context, caller, found));
      bytes += answerBytesOf(found);
      if (bytes > limits.answerBytes && memories.length > 1) throw tooMuch(memories.length - 1);
    }
    return memories;
  });
}

function tooMuch(fitting: number) {
  const message = `expected memories that fit into one answer (limits.answerBytes), got more: only the first ${fitting} fit.`;
  return invalidInput([{ path: ['id'], message }]);
}
