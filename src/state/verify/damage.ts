import { MemoryError } from '../../domain/errors';
import { fromSqlite } from '../../sqlite/sqlite';

/** Something that is not as it was written. */
export interface VerifyProblem {
  /** The memory that it is about, if it is about one. */
  id?: string;
  part: 'database' | 'record' | 'rule' | 'vector' | 'words' | 'index';
  message: string;
}

/**
 * Why something could not be read, as a sentence.
 *
 * @throws STORE_CLOSED where it was the store that was closed meanwhile: that is no damage.
 */
export function reasonOf(error: unknown): string {
  const told = fromSqlite(error);
  if (MemoryError.is(told) && told.code === 'STORE_CLOSED') throw told;
  const reason = error instanceof Error ? error.message : String(error);
  return reason.endsWith('.') ? reason : `${reason}.`;
}

/** Reads a range of rows: those above `after`, up to `to`. */
export type ReadRange<R> = (after: number, to: number) => readonly R[];

/**
 * Reads a range; where that fails, its halves, so that a damaged page hides no row beside those that lie on it.
 *
 * @param onUnreadable what to give in the place of a row that cannot be read by itself.
 */
export function readInParts<R>(
  read: ReadRange<R>,
  { after, to }: { after: number; to: number },
  onUnreadable: (row: number, error: unknown) => readonly R[],
): R[] {
  try {
    return [...read(after, to)];
  } catch (error) {
    if (to - after <= 1) return [...onUnreadable(to, error)];
    const middle = Math.floor((after + to) / 2);
    return [
      ...readInParts(read, { after, to: middle }, onUnreadable),
      ...readInParts(read, { after: middle, to }, onUnreadable),
    ];
  }
}
