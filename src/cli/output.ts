import { isError } from '../domain/realms';
import { startStopwatch } from '../environment/timers';
import type { Progress } from '../index';
import type { Terminal } from './terminal';

/** Returns the lines that describe an error: its code and message, then each issue that is not in the message. */
export async function errorLines(error: unknown): Promise<string[]> {
  const { MemoryError } = await import('../index');
  if (!MemoryError.is(error)) return [isError(error) ? `${error.name}: ${error.message}` : String(error)];
  const { code, message, issues } = error;
  const missing = issues.filter((issue) => !message.includes(issue.message));
  return [`${code}: ${message}`, ...missing.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)];
}

// Progress is printed after this time, so short commands print none. Further lines follow at intervals of at least this time.
const progressIntervalMs = 1_000;

/** Returns a function that prints progress to standard error, at most once a second. */
export function progressPrinter(terminal: Terminal, elapsedMs = startStopwatch()): (progress: Progress) => void {
  let nextMs = progressIntervalMs;
  return ({ phase, done, failed, total, perSecond }) => {
    const nowMs = elapsedMs();
    if (nowMs < nextMs) return;
    nextMs = nowMs + progressIntervalMs;
    const ofTotal = total === undefined ? '' : ` of ${total}`;
    const failures = failed === 0 ? '' : `, ${failed} failed`;
    terminal.printError(`${phase}: ${done}${ofTotal}${failures}, ${Math.round(perSecond)}/s`);
  };
}
