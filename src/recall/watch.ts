import type { MemoryChange } from '../domain/memory';
import type { Caller } from '../domain/scope';
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

/**
 * Returns the number of the change after which a watch begins.
 *
 * @throws INVALID_CURSOR
 */
export function startOfWatch(context: ReadContext, caller: Caller, since: string): number {
  if (since === 'start') return 0;
  if (since === 'now') return context.state.lastChangeSeq;
  const { id, revision } = context.cursors.open(since, watchBinding(caller)) as { id: string; revision: number };
  const record = context.state.records.uncheckedOrTombstone(id);
  const line = record && context.state.changes.ofRecord(record).find((each) => each.revision === revision);
  return line?.change_seq ?? 0;
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
  start: number,
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
  start: number,
  feed: ChangeFeed,
  signal: AbortSignal,
): AsyncGenerator<MemoryChange> {
  let changeSeq = start;
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
