import { createHmac, timingSafeEqual } from 'node:crypto';
import { MemoryError } from '../domain/errors';
import type { Json } from '../domain/json';

const tagBytes = 16;

/**
 * Signs cursors. A cursor contains the last item that its reader saw. The signature is made with the store's secret, and it also covers
 * the actor and the query. A cursor contains no number that would reveal how much other principals do.
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
   * Checks a cursor and returns the item that it contains.
   *
   * @throws INVALID_CURSOR for a cursor that was made for another store, actor or query, or that was altered
   */
  open(cursor: string, binding: Json): Json {
    const bytes = Buffer.from(cursor, 'base64url');
    const payload = bytes.subarray(tagBytes).toString();
    // In Base64 several texts can stand for the same bytes. Only the text that `sign` makes is accepted.
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
