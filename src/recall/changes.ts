import { mayRead } from '../access/authorise';
import type { Json } from '../domain/json';
import type { Memory, MemoryChange } from '../domain/memory';
import { type Principal, principalOf } from '../domain/principal';
import { type Caller, isInScope, type ParsedScope } from '../domain/scope';
import type { ChangeLine } from '../state/queries/change-queries';
import { type MemoryRow, memoryLabelsOf } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';
import { checkRecord, toMemory } from './recheck';

/** A change, with the revision that it made and the principal that made it. */
export type Revision = MemoryChange & { revision: number; by: Principal };

/**
 * Reads the changes to one memory that the caller may see, oldest first. For a forgotten memory they only say when it changed, and who
 * changed it.
 */
export function history(context: ReadContext, caller: Caller, id: string): Revision[] {
  return context.snapshot(() => {
    const record = checkRecord(context, caller, context.state.records.uncheckedOrTombstone(id));
    if (record === undefined) return [];
    return context.state.changes.ofRecord(record).flatMap((line) => {
      const change = visibleChange(context, caller, line, record);
      if (change === undefined) return [];
      return [{ ...change, revision: line.revision, by: principalOf(context.state.interning.actor(line.by)) }];
    });
  });
}

/**
 * Converts a line in the change feed to a change that the caller may see. The current rules must allow the caller to read the memory
 * both with its labels after this change and with its current labels. The current labels of `record` were already checked.
 */
export function visibleChange(
  context: ReadContext,
  caller: Caller,
  line: ChangeLine,
  record: MemoryRow,
): MemoryChange | undefined {
  const { state } = context;
  const then = memoryLabelsOf(state, { label_set: line.label_set, owner: line.owner, author: record.author });
  if (!mayRead(state.policy, caller.actor, then)) return undefined;
  const memory = memoryAt(context, caller, line, record);
  if (memory !== undefined && !isInScope(caller.scope, memory)) return undefined;
  // A forgotten memory keeps only its last user, session and tags. Earlier revisions may have had other values, outside this scope.
  const isEarlier = record.state === 'forgotten' && line.revision < record.revision - 1;
  if (isEarlier && boundsMutableFields(caller.scope)) return undefined;
  return {
    type: line.type,
    id: line.id,
    ...(memory === undefined ? {} : { memory }),
    at: new Date(line.at),
    cursor: context.cursors.sign({ id: line.id, revision: line.revision }, watchBinding(caller)),
  };
}

/** Checks whether a scope depends on fields that a revision may change. */
function boundsMutableFields({ userId, sessionId, tags }: ParsedScope): boolean {
  return userId !== undefined || sessionId !== undefined || tags !== undefined;
}

function memoryAt(context: ReadContext, caller: Caller, line: ChangeLine, record: MemoryRow): Memory | undefined {
  if (line.type === 'forgotten' || record.state === 'forgotten') return undefined;
  const { changes } = context.state;
  const then = line.revision === record.revision ? record : changes.revision(line.row, line.revision);
  return then && toMemory(context, caller, then);
}

/** Describes the actor and the scope of a watch. A cursor is valid only for the same actor and scope. */
export function watchBinding({ actor, scope }: Caller): Json {
  return JSON.parse(JSON.stringify(['watch', actor, scope]));
}
