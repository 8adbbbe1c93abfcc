import { createHmac, timingSafeEqual } from 'node:crypto';
import { MemoryError } from '../domain/errors';
import type { Json } from '../domain/json';

const tagBytes = 16;

/**
 * Signs cursors. A cursor holds the last item that its reader saw, and is signed with the store's key together with the actor
 * and the query. It holds no number that counts the activity of others.
 */
export class CursorSigner {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  sign(item: Json, binding: Json): string {
    const payload = JSON.stringify(item);
    return Buffer.concat([this.#tag(payload, binding), Buffer.from(payload)]).toString('base64url');
  }

  /**
   * The item in a cursor.
   *
   * @throws INVALID_CURSOR for a cursor of another store, actor or query, and for an altered one.
   */
  open(cursor: string, binding: Json): Json {
    const bytes = Buffer.from(cursor, 'base64url');
    const payload = bytes.subarray(tagBytes).toString();
    // Base64 can spell the same bytes in several ways. Only the spelling of `sign` is accepted.
    const isCanonical = bytes.length > tagBytes && bytes.toString('base64url') === cursor;
    if (isCanonical && timingSafeEqual(bytes.subarray(0, tagBytes), this.#tag(payload, binding)))
      return JSON.parse(payload);
    throw invalidCursor();
  }

  #tag(payload: string, binding: Json): Buffer {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([binding, payload]))
      .digest()
      .subarray(0, tagBytes);
  }
}

export function invalidCursor(cause?: unknown): MemoryError {
  const message =
    'Invalid cursor: it was made by another store, for another principal or for another query, or it was altered. Start again without a cursor.';
  return new MemoryError('INVALID_CURSOR', message, { cause });
}
