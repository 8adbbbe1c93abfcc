import { mayRead } from '../access/authorise';
import type { Json } from '../domain/json';
import type { Memory, MemoryChange } from '../domain/memory';
import { type Principal, principalOf } from '../domain/principal';
import { isInScope, type ParsedScope } from '../domain/scope';
import type { ChangeLine } from '../state/queries/change-queries';
import { type MemoryRow, memoryLabelsOf } from '../state/tables/memory-row';
import type { ReadContext, Reader } from './read-context';
import { leaving, shownTo } from './recheck';

/** A change with the number of the revision it made, and who made it. */
export type Revision = MemoryChange & { revision: number; by: Principal };

/** The changes of one memory that the reader may know of, oldest first. Of a forgotten memory, that it was, and who changed it when. */
export function history(context: ReadContext, reader: Reader, id: string): Revision[] {
  return context.snapshot(() => {
    const record = leaving(context, reader, context.state.records.uncheckedOrTombstone(id));
    if (record === undefined) return [];
    return context.state.changes.ofRecord(record).flatMap((line) => {
      const change = shown(context, reader, line, record);
      if (change === undefined) return [];
      return [{ ...change, revision: line.revision, by: principalOf(context.state.interning.actor(line.by)) }];
    });
  });
}

/**
 * A line of the feed as its reader may see it: shown if both its labels then and the memory's labels now are readable.
 * Losing access shows nothing more; gaining it shows what is readable now.
 */
export function shown(
  context: ReadContext,
  reader: Reader,
  line: ChangeLine,
  record: MemoryRow,
): MemoryChange | undefined {
  const { state } = context;
  const then = memoryLabelsOf(state, { label_set: line.label_set, owner: line.owner, author: record.author });
  if (!mayRead(state.policy, reader.actor, then)) return undefined;
  const memory = memoryAt(context, reader, line, record);
  if (memory !== undefined && !isInScope(reader.scope, memory)) return undefined;
  // Of a forgotten memory only what it was about at its end is known: earlier lines may have been about something else.
  const isEarlier = record.state === 'forgotten' && line.revision < record.revision - 1;
  if (isEarlier && bindsContent(reader.scope)) return undefined;
  return {
    type: line.type,
    id: line.id,
    ...(memory === undefined ? {} : { memory }),
    at: new Date(line.at),
    cursor: context.cursors.seal({ id: line.id, revision: line.revision }, watchBinding(reader)),
  };
}

/** Whether a scope binds what a revision may change. */
function bindsContent({ userId, sessionId, tags }: ParsedScope): boolean {
  return userId !== undefined || sessionId !== undefined || tags !== undefined;
}

function memoryAt(context: ReadContext, reader: Reader, line: ChangeLine, record: MemoryRow): Memory | undefined {
  if (line.type === 'forgotten' || record.state === 'forgotten') return undefined;
  const { changes } = context.state;
  const then = line.revision === record.revision ? record : changes.revision(line.row, line.revision);
  return then && shownTo(context, reader, then);
}

/** A cursor of a watch serves the same principal, inside the same bounds. */
export function watchBinding({ actor, scope }: { actor: Reader['actor']; scope: ParsedScope }): Json {
  return JSON.parse(JSON.stringify(['watch', actor, scope]));
}
