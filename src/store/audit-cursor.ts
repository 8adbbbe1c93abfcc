import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { ChainPositions } from '../audit/search';
import { MemoryError } from '../domain/errors';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const numbers = 4;

/** Where a query goes on, and where it ends. */
export interface Place {
  readonly after: ChainPositions;
  readonly upTo: ChainPositions;
}

/**
 * Makes and opens cursors of the audit. A place in it counts what others do: it is encrypted, with a nonce made of what it says,
 * and bound to its actor and its query.
 */
export class AuditCursors {
  readonly #key: Buffer;

  constructor(storeKey: Uint8Array) {
    this.#key = createHmac('sha256', storeKey).update('audit cursor').digest();
  }

  seal({ after, upTo }: Place, binding: string): string {
    const place = new Float64Array([after.changes, after.access, upTo.changes, upTo.access]);
    const bytes = Buffer.from(place.buffer);
    const nonce = createHmac('sha256', this.#key).update(bytes).update(binding).digest().subarray(0, nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(binding));
    const sealed = Buffer.concat([cipher.update(bytes), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** @throws INVALID_CURSOR for a cursor of another store, actor or query, and for one that was altered. */
  open(cursor: string, binding: string): Place {
    const bytes = Buffer.from(cursor, 'base64url');
    const length = nonceBytes + tagBytes + numbers * Float64Array.BYTES_PER_ELEMENT;
    try {
      if (bytes.length !== length || bytes.toString('base64url') !== cursor) throw new RangeError('No cursor.');
      const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(binding)).setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const opened = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
      const [afterChanges = 0, afterAccess = 0, changes = 0, access = 0] = new Float64Array(
        Uint8Array.from(opened).buffer,
      );
      return { after: { changes: afterChanges, access: afterAccess }, upTo: { changes, access } };
    } catch (cause) {
      const message =
        'The cursor does not belong to this store, this principal and this query, or it was altered: begin without one.';
      throw new MemoryError('INVALID_CURSOR', message, { cause });
    }
  }
}
