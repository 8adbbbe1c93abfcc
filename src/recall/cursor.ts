import { createHmac, timingSafeEqual } from 'node:crypto';
import { MemoryError } from '../domain/errors';
import type { Json } from '../domain/json';

const tagBytes = 16;

/**
 * Makes and opens cursors: the last item that its reader saw, authenticated with a key of the store, its actor and its query.
 * Nothing in it counts what others do.
 */
export class CursorSigner {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(item: Json, binding: Json): string {
    const payload = JSON.stringify(item);
    return Buffer.concat([this.#tag(payload, binding), Buffer.from(payload)]).toString('base64url');
  }

  /** @throws INVALID_CURSOR for a cursor of another store, actor or query, and for one that was altered. */
  open(cursor: string, binding: Json): Json {
    const bytes = Buffer.from(cursor, 'base64url');
    const payload = bytes.subarray(tagBytes).toString();
    // Base64 has several spellings of the same bytes: only ours is taken.
    const isOurs = bytes.length > tagBytes && bytes.toString('base64url') === cursor;
    if (isOurs && timingSafeEqual(bytes.subarray(0, tagBytes), this.#tag(payload, binding))) return JSON.parse(payload);
    const message =
      'The cursor does not belong to this store, this principal and this query, or it was altered: begin without one.';
    throw new MemoryError('INVALID_CURSOR', message);
  }

  #tag(payload: string, binding: Json): Buffer {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([binding, payload]))
      .digest()
      .subarray(0, tagBytes);
  }
}
