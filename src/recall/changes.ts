import { mayRead } from '../access/authorise';
import { invalidInput, type MemoryError } from '../domain/errors';
import type { Json } from '../domain/json';
import type { Memory, MemoryChange } from '../domain/memory';
import { type Principal, principalOf } from '../domain/principal';
import { type Caller, isInScope, type ParsedScope } from '../domain/scope';
import { nextTurn } from '../environment/timers';
import type { ChangeLine } from '../state/queries/change-queries';
import { type MemoryRow, memoryLabelsOf } from '../state/tables/memory-row';
import type { ReadContext } from './read-context';
import { byIdView, checkRecord, toMemory } from './recheck';

/** A change, with the revision that it made and the principal that made it. */
export type Revision = MemoryChange & { revision: number; by: Principal };

/** The part of a history to read. */
export interface HistoryPart {
  readonly fromRevision?: number | undefined;
  readonly limit?: number | undefined;
}

// The number is small, because each change may have a text of the maximum size.
const changesPerTurn = 2;

/**
 * Reads the changes to one memory that the caller may see, oldest first. For a forgotten memory they only say when it changed, and who
 * changed it. It reads a few changes in each turn of the event loop. If the memory or the rules change between two turns, it starts again.
 *
 * @throws INVALID_INPUT if the changes do not fit into one answer
 */
export async function history(
  context: ReadContext,
  caller: Caller,
  id: string,
  part: HistoryPart = {},
): Promise<Revision[]> {
  const { state } = context;
  const version = () => `${state.policy.version} ${state.lastChangeSeq}`;
  for (let attempt = 0; ; attempt++) {
    const [found, startVersion] = context.snapshot(() => [visibleLines(context, caller, id, part), version()] as const);
    if (found === undefined) return [];
    const revisions: Revision[] = [];
    let bytes = 0;
    let isOutdated = false;
    for (const [i, line] of found.lines.entries()) {
      // After several restarts it reads everything in one turn. Otherwise it would never end in a store that changes all the time.
      if (i > 0 && i % changesPerTurn === 0 && attempt < maxRestarts) await nextTurn();
      const revision = context.snapshot(() => {
        isOutdated = version() !== startVersion;
        return isOutdated ? undefined : revisionOf(context, caller, line, found.record);
      });
      if (isOutdated) break;
      if (revision === undefined) continue;
      revisions.push(revision);
      bytes += changeBytesOf(revision);
      if (bytes > context.limits.answerBytes && revisions.length > 1) throw tooLongHistory(revisions.length - 1);
    }
    if (!isOutdated) return revisions;
  }
}

const maxRestarts = 3;

function visibleLines(context: ReadContext, caller: Caller, id: string, { fromRevision = 1, limit }: HistoryPart) {
  const record = checkRecord(context, caller, context.state.records.uncheckedOrTombstone(id), byIdView(caller));
  if (record === undefined) return undefined;
  const lines = context.state.changes.ofRecord(record).filter(({ revision }) => revision >= fromRevision);
  return { record, lines: lines.slice(0, limit) };
}

function revisionOf(context: ReadContext, caller: Caller, line: ChangeLine, record: MemoryRow): Revision | undefined {
  const change = visibleChange(context, caller, line, record);
  if (change === undefined) return undefined;
  return { ...change, revision: line.revision, by: principalOf(context.state.interning.actor(line.by)) };
}

function changeBytesOf({ memory }: MemoryChange): number {
  if (memory === undefined) return 0;
  return memory.text.length + JSON.stringify(memory.metadata).length;
}

function tooLongHistory(fitting: number): MemoryError {
  const message = `expected a number of changes that fit into one answer (limits.answerBytes), got more. The first ${fitting} fit: read the history in parts, with fromRevision and limit.`;
  return invalidInput([{ path: ['limit'], message }]);
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
