import { nextTurn } from '../environment/timers';
import { host, submit } from '../write/submit';
import type { SpaceContext } from './space-context';

// Some milliseconds of work in a turn.
const rowsAtOnce = 64;

/** Drops the vectors of all memories in a space that is not the store's, and its index. Broken off, it can be called again. */
export async function dropSpace(
  context: SpaceContext,
  space: number,
  signal: AbortSignal,
  onDone: (done: number, total: number) => void = () => undefined,
): Promise<void> {
  const { state, writing } = context;
  await context.removeIndex(space);
  const total = state.columns.last;
  for (let after = 0, isLast = false; !isLast; ) {
    signal.throwIfAborted();
    const upTo = Math.min(after + rowsAtOnce, total);
    isLast = upTo === total;
    await submit(writing, host, { type: 'drop-space', space, after, upTo, isLast });
    onDone(upTo, total);
    after = upTo;
    await nextTurn();
  }
}
