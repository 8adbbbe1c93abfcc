import type { MemoryChange } from '../domain/memory';
import type { Caller } from '../domain/scope';
import { startDeadline } from '../environment/timers';
import { translated } from '../sqlite/sqlite';
import { visibleChange, watchBinding } from './changes';
import type { ReadContext } from './read-context';
import { checkRecord } from './recheck';

const linesPerRead = 256;

/** Signals that the change feed may have grown. */
export interface ChangeFeed {
  /** Resolves to true when there may be more changes. Resolves to false when the store closes or the signal is aborted. */
  next(signal: AbortSignal): Promise<boolean>;
}

/** The change after which a watch begins: its number, or the revision of a memory that it made. */
export type WatchStart = number | { readonly id: string; readonly revision: number };

/**
 * Returns the change after which a watch begins.
 *
 * @throws INVALID_CURSOR
 */
export function startOfWatch(context: ReadContext, caller: Caller, since: string): WatchStart {
  if (since === 'start') return 0;
  if (since === 'now') return context.state.lastChangeSeq;
  const { id, revision } = context.cursors.open(since, watchBinding(caller)) as { id: string; revision: number };
  return changeSeqOf(context, { id, revision }) ?? { id, revision };
}

function changeSeqOf({ state }: ReadContext, { id, revision }: Exclude<WatchStart, number>): number | undefined {
  const record = state.records.uncheckedOrTombstone(id);
  const line = record && state.changes.ofRecord(record).find((each) => each.revision === revision);
  return line?.change_seq;
}

/**
 * Returns the number of the change after which a watch begins. A cursor from another peer may name a change that is not applied here yet:
 * then it waits, but not for ever. A change that does not come is lost, for example because the store was restored from a backup. The watch
 * then begins with the first change, so that it leaves none out.
 */
async function reachedStart(
  context: ReadContext,
  start: WatchStart,
  feed: ChangeFeed,
  signal: AbortSignal,
): Promise<number> {
  if (typeof start === 'number') return start;
  const maxMs = context.maxLagMs();
  if (maxMs === 0) return 0;
  const deadline = startDeadline(maxMs, signal);
  try {
    do {
      context.refresh();
      const changeSeq = translated(() => changeSeqOf(context, start));
      if (changeSeq !== undefined) return changeSeq;
    } while (await feed.next(deadline.signal));
    return 0;
  } finally {
    deadline.end();
  }
}

/**
 * Makes a cursor that points to the latest change, even if the caller may not see that change. The cursor stays valid when the store is
 * reopened.
 */
export function cursorOfNow({ state, cursors }: ReadContext, caller: Caller): string {
  const [latest] = state.changes.after(state.lastChangeSeq - 1, 1);
  if (latest === undefined) return 'start';
  return cursors.sign({ id: latest.id, revision: latest.revision }, watchBinding(caller));
}

/**
 * Iterates over the changes after `start`. `return()` resolves immediately, even while `next()` is pending. A plain generator would wait
 * for the next change.
 */
export function watch(
  context: ReadContext,
  caller: Caller,
  start: WatchStart,
  feed: ChangeFeed,
  signal: AbortSignal,
): AsyncIterable<MemoryChange> {
  return {
    [Symbol.asyncIterator]() {
      const returned = new AbortController();
      const inner = changesAfter(context, caller, start, feed, AbortSignal.any([signal, returned.signal]));
      return {
        next: () => inner.next(),
        return: () => {
          returned.abort();
          return inner.return(undefined);
        },
      };
    },
  };
}

async function* changesAfter(
  context: ReadContext,
  caller: Caller,
  start: WatchStart,
  feed: ChangeFeed,
  signal: AbortSignal,
): AsyncGenerator<MemoryChange> {
  let changeSeq = await reachedStart(context, start, feed, signal);
  while (!signal.aborted) {
    context.refresh();
    const lines = translated(() => context.state.changes.after(changeSeq, linesPerRead));
    for (const line of lines) {
      changeSeq = line.change_seq;
      // Access is checked at delivery, because rules and labels may change while the consumer handles earlier changes.
      const change = context.snapshot(() => {
        const record = checkRecord(context, caller, context.state.records.uncheckedOrTombstone(line.id));
        return record && visibleChange(context, caller, line, record);
      });
      if (change !== undefined) yield change;
      if (signal.aborted) return;
    }
    // The feed may have grown while the consumer handled these changes.
    const hasCaughtUp = lines.length < linesPerRead && context.state.lastChangeSeq <= changeSeq;
    if (hasCaughtUp && !(await feed.next(signal))) return;
  }
}
