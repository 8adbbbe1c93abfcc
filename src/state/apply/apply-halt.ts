import { type ErrorCode, MemoryError } from '../../domain/errors';
import { messageOf } from '../../domain/realms';
import { isSqliteError } from '../../sqlite/sqlite';

/**
 * Thrown when a peer cannot apply an entry of the log, and nothing of the entry was kept. The other peers may have applied it: so the peer
 * must neither skip the entry nor refuse its commands. It stops, and continues with the same entry when its cause is repaired.
 *
 * Not a `MemoryError`, because `apply` turns those into refusals, and a refusal would make this peer differ from the others.
 */
export class ApplyHalt extends Error {
  override readonly name = 'ApplyHalt';

  constructor(reason: string, cause?: unknown) {
    super(`This peer cannot apply the next entry of the log: ${reason}`, cause === undefined ? undefined : { cause });
  }
}

/** The errors with which every peer refuses the same command. All others depend on the disk or the process of one peer. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'INVALID_INPUT',
  'NOT_FOUND',
  'FORBIDDEN',
  'REVISION_CONFLICT',
  'IDEMPOTENCY_CONFLICT',
  'EMBEDDER_MISMATCH',
  'QUOTA_EXCEEDED',
]);

/** Whether every peer refuses a command with this error. An error of SQLite may have been converted to any code. */
export function isRefusal(error: MemoryError): boolean {
  return refusals.has(error.code) && !isSqliteError(error.cause);
}

/** Converts an error during an entry. A lock of another program ends by itself: the error says so, and the entry can be tried again. */
export function haltFrom(error: unknown): unknown {
  if (error instanceof ApplyHalt || (MemoryError.is(error) && error.code === 'STORE_BUSY')) return error;
  return new ApplyHalt(messageOf(error), error);
}
