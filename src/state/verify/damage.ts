import { MemoryError } from '../../domain/errors';
import { messageOf } from '../../domain/realms';
import { fromSqlite } from '../../sqlite/sqlite';

/** One problem that `verify` found. */
export interface VerifyProblem {
  /** The id of the damaged memory, if the problem is about one memory. */
  id?: string;
  /**
   * The damaged part: `database` (SQLite's pages and indexes), `record` (a memory, its history or what its trust depends on, or a legal hold), `name` (the name of a
   * namespace, an actor or a model), `rule` (a declaration), `vector` (a stored vector), `words` (the keyword index) or `index` (the vector
   * index). `verify` can repair `database`, `words` and `index`.
   */
  part: 'database' | 'record' | 'name' | 'rule' | 'vector' | 'words' | 'index';
  /** Describes the problem in a sentence. */
  message: string;
}

/**
 * Describes in a sentence why a read failed.
 *
 * @throws STORE_CLOSED if the read failed only because the store was closed
 */
export function reasonOf(error: unknown): string {
  const known = fromSqlite(error);
  if (MemoryError.is(known) && known.code === 'STORE_CLOSED') throw known;
  const reason = messageOf(error);
  return reason.endsWith('.') ? reason : `${reason}.`;
}

/** Reads the rows above `after` up to `to`. */
export type ReadRange<R> = (after: number, to: number) => readonly R[];

/**
 * Reads a range of rows. If this fails, it reads each half of the range separately. In the end only the rows on a damaged page are
 * missing.
 *
 * @param onUnreadable Returns the result for a single row that cannot be read.
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
