/**
 * Every way in which a call can fail. A code is a promise: it keeps its meaning between releases.
 *
 * - `INVALID_INPUT` the call itself is wrong; `issues` names every problem at once. Nothing was written.
 * - `INVALID_CURSOR` a cursor was made by another store, another actor or another query, or was altered.
 * - `NOT_FOUND` no such memory, or none that the actor may read: the two look alike.
 * - `FORBIDDEN` no rule allows the action, or one denies it.
 * - `REVISION_CONFLICT` the memory has moved on from the revision that the call relied on.
 * - `IDEMPOTENCY_CONFLICT` the idempotency key was used before with other content.
 * - `EMBEDDING_FAILED` the embedder could not make a vector. Nothing was written.
 * - `EMBEDDER_MISMATCH` the store's vectors come from another embedding space.
 * - `EMBEDDER_MISSING` the store's embedder is absent or cannot be loaded.
 * - `STORE_HELD` another process owns the folder.
 * - `STORE_UNREACHABLE` no process that serves the folder answers, or it speaks another protocol. Nothing was written.
 * - `STORE_CLOSED` the store was closed before the call.
 * - `STORE_NEWER` a newer release wrote the folder.
 * - `STORE_READ_ONLY` the store was opened with `readOnly`.
 * - `RECORD_DAMAGED` a record does not match its checksum. It is never served.
 * - `DISK_FULL` the disk had no room. Nothing of the call was written.
 * - `OVERLOADED` too many writes are waiting. Nothing was written.
 * - `OUTCOME_UNKNOWN` the write may or may not have happened: look, or repeat it where that is harmless.
 */
export type ErrorCode =
  | 'INVALID_INPUT'
  | 'INVALID_CURSOR'
  | 'NOT_FOUND'
  | 'FORBIDDEN'
  | 'REVISION_CONFLICT'
  | 'IDEMPOTENCY_CONFLICT'
  | 'EMBEDDING_FAILED'
  | 'EMBEDDER_MISMATCH'
  | 'EMBEDDER_MISSING'
  | 'STORE_HELD'
  | 'STORE_UNREACHABLE'
  | 'STORE_CLOSED'
  | 'STORE_NEWER'
  | 'STORE_READ_ONLY'
  | 'RECORD_DAMAGED'
  | 'DISK_FULL'
  | 'OVERLOADED'
  | 'OUTCOME_UNKNOWN';

/** One problem of the input: where it stands, and what to do about it. */
export interface Issue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface MemoryErrorDetails {
  /** Whether the same call may succeed later without a change. Default: only for OVERLOADED, DISK_FULL, OUTCOME_UNKNOWN and STORE_UNREACHABLE. */
  readonly retryable?: boolean;
  readonly issues?: readonly Issue[];
  readonly cause?: unknown;
}

// Shared through the registry of symbols, so that an error from the ESM build is known to the CommonJS build.
const brand = Symbol.for('multi-agent-memory.error');
const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  'OVERLOADED',
  'DISK_FULL',
  'OUTCOME_UNKNOWN',
  'STORE_UNREACHABLE',
]);

/**
 * The only error that this library throws on purpose.
 *
 * @example
 * ```ts
 * import { MemoryError } from 'multi-agent-memory';
 * try {
 *   throw new MemoryError('NOT_FOUND', 'There is no memory m-1.');
 * } catch (error) {
 *   if (MemoryError.is(error) && error.code === 'NOT_FOUND') error.retryable satisfies boolean;
 * }
 * ```
 */
export class MemoryError extends Error {
  override readonly name = 'MemoryError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** Every problem of the input, in the order of the input. Empty unless the code is INVALID_INPUT. */
  readonly issues: readonly Issue[];

  constructor(code: ErrorCode, message: string, details: MemoryErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? retryableCodes.has(code);
    this.issues = details.issues ?? [];
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an error of this library, from whichever of its builds it comes. */
  static is(error: unknown): error is MemoryError {
    return typeof error === 'object' && error !== null && brand in error;
  }
}

/** One INVALID_INPUT that carries every issue, with a message a person can read in a log. */
export function invalidInput(issues: readonly Issue[], what = 'The call'): MemoryError {
  const lines = issues.map(({ path, message }) => `${path.length > 0 ? `${formatPath(path)}: ` : ''}${message}`);
  return new MemoryError('INVALID_INPUT', `${what} cannot be taken. ${lines.join(' ')}`, { issues });
}

function formatPath(path: Issue['path']): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}
