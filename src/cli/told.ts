import { MemoryError, type Progress } from '../index';
import type { Terminal } from './terminal';

/** An error in a few lines: its code, what happened, and each problem of the input. */
export function toldError(error: unknown): string[] {
  if (!MemoryError.is(error)) return [error instanceof Error ? `${error.name}: ${error.message}` : String(error)];
  const issues = error.issues.map(({ path, message }) => `  ${path.join('.') || 'it'} ${message}`);
  return [`${error.code}: ${error.message}`, ...issues];
}

// Progress is for people: some lines a run, not one for each batch.
const steps = 20;

/** Tells on standard error how far long work has come, each twentieth of it; where its end is not known, each thousand. */
export function tellProgress(terminal: Terminal): (progress: Progress) => void {
  let last = -1;
  return ({ phase, done, failed, total, perSecond }) => {
    const step = total === undefined ? Math.floor(done / 1_000) : Math.floor((done / Math.max(1, total)) * steps);
    if (step === last) return;
    last = step;
    const of = total === undefined ? '' : ` of ${total}`;
    const bad = failed === 0 ? '' : `, ${failed} failed`;
    terminal.tell(`${phase}: ${done}${of}${bad}, ${Math.round(perSecond)}/s`);
  };
}
