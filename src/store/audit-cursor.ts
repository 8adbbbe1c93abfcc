import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { SearchRange } from '../audit/search';
import { invalidCursor } from '../recall/cursor';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;
const numbersInCursor = 4;

/**
 * Encrypts the cursors of audit queries. A cursor contains positions in the audit chains. They must stay secret, because they reveal
 * how much other principals do. The nonce is derived from the cursor's content. A cursor is valid only for the actor and query that it
 * was made for.
 */
export class AuditCursorCipher {
  readonly #key: Buffer;

  constructor(storeKey: Uint8Array) {
    this.#key = createHmac('sha256', storeKey).update('audit cursor').digest();
  }

  encrypt({ after, upTo }: SearchRange, binding: string): string {
    const positions = new Float64Array([after.changes, after.access, upTo.changes, upTo.access]);
    const bytes = Buffer.from(positions.buffer);
    const nonce = createHmac('sha256', this.#key).update(bytes).update(binding).digest().subarray(0, nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(binding));
    const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
  }

  /** @throws INVALID_CURSOR for a cursor that was made for another store, actor or query, or that was altered */
  decrypt(cursor: string, binding: string): SearchRange {
    const bytes = Buffer.from(cursor, 'base64url');
    const length = nonceBytes + tagBytes + numbersInCursor * Float64Array.BYTES_PER_ELEMENT;
    try {
      if (bytes.length !== length || bytes.toString('base64url') !== cursor) throw new RangeError('Not a cursor.');
      const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(binding)).setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const decrypted = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
      const [afterChanges = 0, afterAccess = 0, changes = 0, access = 0] = new Float64Array(
        Uint8Array.from(decrypted).buffer,
      );
      return { after: { changes: afterChanges, access: afterAccess }, upTo: { changes, access } };
    } catch (cause) {
      throw invalidCursor(cause);
    }
  }
}
