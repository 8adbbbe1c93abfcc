import { MemoryError } from '../../domain/errors';
import { fromSqlite } from '../../sqlite/sqlite';

/** One problem that `verify` found. */
export interface VerifyProblem {
  /** The id of the damaged memory, if the problem is about one memory. */
  id?: string;
  /**
   * What is damaged: `database` (SQLite's pages and indexes), `record` (a memory or its history), `rule` (a declaration), `vector`
   * (a stored vector), `words` (the keyword index) or `index` (the vector index). `verify` can repair `database`, `words` and `index`.
   */
  part: 'database' | 'record' | 'rule' | 'vector' | 'words' | 'index';
  /** What is wrong, as a sentence. */
  message: string;
}

/**
 * The reason why a read failed, as a sentence.
 *
 * @throws STORE_CLOSED if the store was closed meanwhile, which is no damage.
 */
export function reasonOf(error: unknown): string {
  const known = fromSqlite(error);
  if (MemoryError.is(known) && known.code === 'STORE_CLOSED') throw known;
  const reason = error instanceof Error ? error.message : String(error);
  return reason.endsWith('.') ? reason : `${reason}.`;
}

/** Reads the rows above `after` up to `to`. */
export type ReadRange<R> = (after: number, to: number) => readonly R[];

/**
 * Reads a range of rows. If that fails, it reads the halves of the range, so that a damaged page hides only its own rows.
 *
 * @param onUnreadable Gives the result for a single row that cannot be read.
 */
export function readInHalves<R>(
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
      ...readInHalves(read, { after, to: middle }, onUnreadable),
      ...readInHalves(read, { after: middle, to }, onUnreadable),
    ];
  }
}
