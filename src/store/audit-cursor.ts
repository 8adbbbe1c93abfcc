import type { SearchRange } from '../audit/search';
import { invalidCursor } from '../recall/cursor';
import { SealedNumbers } from './sealed-numbers';

const numbersInCursor = 4;

/**
 * Encrypts the cursors of audit queries. A cursor contains positions in the audit chains, and is valid only for the actor and query that it
 * was made for.
 */
export class AuditCursorCipher {
  readonly #numbers: SealedNumbers;

  constructor(storeKey: Uint8Array) {
    this.#numbers = new SealedNumbers(storeKey, 'audit cursor', numbersInCursor);
  }

  encrypt({ after, upTo }: SearchRange, binding: string): string {
    return this.#numbers.seal([after.changes, after.access, upTo.changes, upTo.access], binding);
  }

  /** @throws INVALID_CURSOR for a cursor that was made for another store, actor or query, or that was altered */
  decrypt(cursor: string, binding: string): SearchRange {
    try {
      const [afterChanges = 0, afterAccess = 0, changes = 0, access = 0] = this.#numbers.open(cursor, binding);
      return { after: { changes: afterChanges, access: afterAccess }, upTo: { changes, access } };
    } catch (cause) {
      throw invalidCursor(cause);
    }
  }
}
