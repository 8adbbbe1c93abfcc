import { mayRead } from '../access/authorise';
import type { Json } from '../domain/json';
import type { Change, Memory } from '../domain/memory';
import { type Principal, principalOf } from '../domain/principal';
import { type Bound, liesIn } from '../domain/scope';
import { labelsOf } from '../state/apply-context';
import type { ChangeLine } from '../state/change-queries';
import type { Record } from '../state/record';
import type { ReadContext, Reader } from './read-context';
import { leaving, shownTo } from './recheck';

/** A change with the number of the revision it made, and who made it. */
export type Revision = Change & { revision: number; by: Principal };

/** The changes of one memory that the reader may know of, oldest first. Of a forgotten memory, that it was, and who changed it when. */
export function history(context: ReadContext, reader: Reader, id: string): Revision[] {
  return context.snapshot(() => {
    const record = leaving(context, reader, context.truth.records.uncheckedOrTombstone(id));
    if (record === undefined) return [];
    return context.truth.changes.ofRecord(record).flatMap((line) => {
      const change = shown(context, reader, line, record);
      if (change === undefined) return [];
      return [{ ...change, revision: line.revision, by: principalOf(context.truth.interning.actor(line.by)) }];
    });
  });
}

/**
 * A line of the feed as its reader may see it: shown if both its labels then and the memory's labels now are readable.
 * Losing access shows nothing more; gaining it shows what is readable now.
 */
export function shown(context: ReadContext, reader: Reader, line: ChangeLine, record: Record): Change | undefined {
  const { truth } = context;
  const then = labelsOf(truth, { scope: line.scope, owner: line.owner, author: record.author });
  if (!mayRead(truth.policy, reader.actor, then)) return undefined;
  const memory = memoryAt(context, reader, line, record);
  if (memory !== undefined && !liesIn(reader.bound, memory)) return undefined;
  // Of a forgotten memory only what it was about at its end is known: earlier lines may have been about something else.
  const isEarlier = record.state === 'forgotten' && line.revision < record.revision - 1;
  if (isEarlier && bindsContent(reader.bound)) return undefined;
  return {
    type: line.type,
    id: line.id,
    ...(memory === undefined ? {} : { memory }),
    at: new Date(line.at),
    cursor: context.cursors.seal({ id: line.id, revision: line.revision }, watchBinding(reader)),
  };
}

/** Whether a scope binds what a revision may change. */
function bindsContent({ userId, sessionId, tags }: Bound): boolean {
  return userId !== undefined || sessionId !== undefined || tags !== undefined;
}

function memoryAt(context: ReadContext, reader: Reader, line: ChangeLine, record: Record): Memory | undefined {
  if (line.type === 'forgotten' || record.state === 'forgotten') return undefined;
  const { changes } = context.truth;
  const then = line.revision === record.revision ? record : changes.revision(line.row, line.revision);
  return then && shownTo(context, reader, then);
}

/** A cursor of a watch serves the same principal, inside the same bounds. */
export function watchBinding({ actor, bound }: { actor: Reader['actor']; bound: Bound }): Json {
  return JSON.parse(JSON.stringify(['watch', actor, bound]));
}
