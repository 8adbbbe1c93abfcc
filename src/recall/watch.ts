import type { MemoryChange } from '../domain/memory';
import { translated } from '../sqlite/sqlite';
import { shown, watchBinding } from './changes';
import type { ReadContext, Reader } from './read-context';
import { leaving } from './recheck';

const linesPerRead = 256;

export interface Feed {
  /** Resolves when there may be more to read; false when there never will be, or the signal is aborted. */
  next(signal: AbortSignal): Promise<boolean>;
}

/** The entry after which a watch begins. Throws INVALID_CURSOR. */
export function startOfWatch(context: ReadContext, reader: Reader, since: string): number {
  if (since === 'start') return 0;
  if (since === 'now') return context.state.lastChangeSeq;
  const { id, revision } = context.cursors.open(since, watchBinding(reader)) as { id: string; revision: number };
  const record = context.state.records.uncheckedOrTombstone(id);
  const line = record && context.state.changes.ofRecord(record).find((each) => each.revision === revision);
  return line?.change_seq ?? 0;
}

/** The cursor of the latest change, whoever may see it: where a watch that begins now goes on, also after its store was opened anew. */
export function cursorOfNow({ state, cursors }: ReadContext, reader: Reader): string {
  const [latest] = state.changes.after(state.lastChangeSeq - 1, 1);
  if (latest === undefined) return 'start';
  return cursors.seal({ id: latest.id, revision: latest.revision }, watchBinding(reader));
}

/**
 * The changes from `start` on. Who leaves while waiting for the next one is let go at once: a generator by itself would keep
 * them until it comes.
 */
export function watch(
  context: ReadContext,
  reader: Reader,
  start: number,
  feed: Feed,
  signal: AbortSignal,
): AsyncIterable<MemoryChange> {
  return {
    [Symbol.asyncIterator]() {
      const left = new AbortController();
      const inner = changes(context, reader, start, feed, AbortSignal.any([signal, left.signal]));
      return {
        next: () => inner.next(),
        return: () => {
          left.abort();
          return inner.return(undefined);
        },
      };
    },
  };
}

/** Yields what changes, and checks at delivery what its reader may see. Ends when the signal is aborted. */
async function* changes(
  context: ReadContext,
  reader: Reader,
  start: number,
  feed: Feed,
  signal: AbortSignal,
): AsyncGenerator<MemoryChange> {
  let changeSeq = start;
  while (!signal.aborted) {
    context.refresh();
    const lines = translated(() => context.state.changes.after(changeSeq, linesPerRead));
    for (const line of lines) {
      changeSeq = line.change_seq;
      // Looked up for each delivery: rules and labels may change while the consumer takes its time.
      const change = context.snapshot(() => {
        const record = leaving(context, reader, context.state.records.uncheckedOrTombstone(line.id));
        return record && shown(context, reader, line, record);
      });
      if (change !== undefined) yield change;
      if (signal.aborted) return;
    }
    // While the consumer took its time there may have been more.
    const caughtUp = lines.length < linesPerRead && context.state.lastChangeSeq <= changeSeq;
    if (caughtUp && !(await feed.next(signal))) return;
  }
}
