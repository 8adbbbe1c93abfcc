import { startStopwatch } from '../environment/timers';
import type { Progress } from '../index';
import type { Terminal } from './terminal';

/** An error in a few lines: its code, what happened, and each problem of the input. */
export async function toldError(error: unknown): Promise<string[]> {
  const { MemoryError } = await import('../index');
  if (!MemoryError.is(error)) return [error instanceof Error ? `${error.name}: ${error.message}` : String(error)];
  const issues = error.issues.map(({ path, message }) => `  ${path.join('.') || 'it'} ${message}`);
  return [`${error.code}: ${error.message}`, ...issues];
}

// Short runs need no progress, and a log no more than a line a second.
const pauseMs = 1_000;

/** Tells on standard error how far long work has come: from its second second on, a line a second. */
export function tellProgress(terminal: Terminal, elapsedMs = startStopwatch()): (progress: Progress) => void {
  let next = pauseMs;
  return ({ phase, done, failed, total, perSecond }) => {
    const now = elapsedMs();
    if (now < next) return;
    next = now + pauseMs;
    const of = total === undefined ? '' : ` of ${total}`;
    const bad = failed === 0 ? '' : `, ${failed} failed`;
    terminal.tell(`${phase}: ${done}${of}${bad}, ${Math.round(perSecond)}/s`);
  };
}
