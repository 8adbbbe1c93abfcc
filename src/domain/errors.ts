import type { QuotaKind } from './quota';

/**
 * The reason why a call failed. A code keeps its meaning in later releases, but messages may change.
 *
 * - `INVALID_INPUT` The arguments of the call are wrong. `issues` lists every problem. Nothing was written.
 * - `INVALID_CURSOR` The cursor belongs to another store, actor or query, or it was altered.
 * - `AMBIGUOUS_ID` A short id is the start of the ids of several memories that the principal may read.
 * - `NOT_FOUND` The memory does not exist, or the actor may not read it. The two cases look the same.
 * - `FORBIDDEN` The principal may not do this: no rule allows it, or a rule denies it. Nothing was written.
 * - `REVISION_CONFLICT` The memory has another revision than `ifRevision`. Nothing was written.
 * - `IDEMPOTENCY_CONFLICT` An earlier call used the same idempotency key with other content. Nothing was written.
 * - `EMBEDDING_FAILED` The embedder returned no usable vector. Nothing was written.
 * - `EMBEDDER_MISMATCH` The store's vectors were made with another model than the embedder's, so they cannot be compared.
 * - `EMBEDDER_MISSING` The store's embedder was not passed to `open`, or its model cannot be loaded.
 * - `SUMMARIZER_FAILED` The chat model of a summarizer failed, or cannot be reached. Nothing was written.
 * - `STORE_HELD` Another process has opened the folder for writing.
 * - `STORE_UNREACHABLE` No process serves the folder, or it uses another protocol version. Nothing was written.
 * - `STORE_BUSY` Another program locks the database, for example a backup tool. Nothing was written. Or a read-only store searches for
 *   words while the process that writes still computes them again, after an upgrade.
 * - `STORE_CLOSED` The store was closed before the call.
 * - `STORE_NEWER` A newer release of this library wrote the folder.
 * - `STORE_READ_ONLY` The store was opened with `readOnly: true`.
 * - `RECORD_DAMAGED` A stored memory does not match its checksum. It is never returned.
 * - `INDEX_UNAVAILABLE` The approximate vector index cannot be built or loaded, so searches are exact but slower. Only `degraded` events contain this code.
 * - `CONSOLIDATION_FAILED` The summarizer of a consolidation policy failed. The memories stay as they are. Only `degraded` events contain this code.
 * - `SQLITE_UNAVAILABLE` The native part of better-sqlite3 is missing or was built for another runtime. The message names the command that repairs it.
 * - `DISK_FULL` The disk is full. Nothing was written.
 * - `FILE_FAILED` The operating system could not open, read or write a file of the store. The message names the file. Nothing was written.
 * - `OVERLOADED` Too many writes are waiting for their commit. Nothing was written.
 * - `QUOTA_EXCEEDED` The principal has used up one of its quotas. `quota` says which. Nothing was written.
 * - `OUTCOME_UNKNOWN` The connection or the disk failed during the write, so the write may have happened. Read the memory, or repeat the call with the same `key` or `idempotencyKey`.
 * - `NO_QUORUM` The node of a cluster has no contact with a majority of the voters. Nothing was written.
 * - `NODE_REMOVED` The node was removed from its cluster. Its folder is kept.
 * - `NODE_DUPLICATE` Two processes run as the same node of a cluster, for example from a copied folder.
 * - `CLUSTER_MISMATCH` The folder or the other node belongs to another cluster, or to none.
 * - `CLOCK_SKEWED` The clock of this node of a cluster differs too much from those of the other nodes. Nothing was written.
 * - `STATE_DIVERGED` The node's memories differ from those of the majority. The node has stopped.
 * - `LOG_REGRESSED` The node's disk has lost entries of the log that the node had acknowledged, for example after an old backup was
 *   copied over the folder. The node has stopped.
 */
export type ErrorCode =
  | 'INVALID_INPUT'
  | 'INVALID_CURSOR'
  | 'AMBIGUOUS_ID'
  | 'NOT_FOUND'
  | 'FORBIDDEN'
  | 'REVISION_CONFLICT'
  | 'IDEMPOTENCY_CONFLICT'
  | 'EMBEDDING_FAILED'
  | 'EMBEDDER_MISMATCH'
  | 'EMBEDDER_MISSING'
  | 'SUMMARIZER_FAILED'
  | 'STORE_HELD'
  | 'STORE_UNREACHABLE'
  | 'STORE_BUSY'
  | 'STORE_CLOSED'
  | 'STORE_NEWER'
  | 'STORE_READ_ONLY'
  | 'RECORD_DAMAGED'
  | 'INDEX_UNAVAILABLE'
  | 'CONSOLIDATION_FAILED'
  | 'SQLITE_UNAVAILABLE'
  | 'DISK_FULL'
  | 'FILE_FAILED'
  | 'OVERLOADED'
  | 'QUOTA_EXCEEDED'
  | 'OUTCOME_UNKNOWN'
  | 'NO_QUORUM'
  | 'NODE_REMOVED'
  | 'NODE_DUPLICATE'
  | 'CLUSTER_MISMATCH'
  | 'CLOCK_SKEWED'
  | 'STATE_DIVERGED'
  | 'LOG_REGRESSED';

/** One problem in the input. */
export interface Issue {
  /** The path to the invalid value, such as `['items', 3, 'text']`. Empty if the issue is about the whole input. */
  readonly path: readonly (string | number)[];
  /** Says what was expected and what was passed, such as "expected an integer from 1 to 1000, got 0." */
  readonly message: string;
}

/** The quota that a call would have exceeded. */
export interface ExceededQuota {
  readonly kind: QuotaKind;
  /** How much the principal uses, without the call. */
  readonly used: number;
  readonly limit: number;
}

/** The optional fields of a new `MemoryError`. */
export interface MemoryErrorDetails {
  /**
   * True if the same call may succeed later without a change. Default: true for OVERLOADED, DISK_FULL, FILE_FAILED,
   * STORE_BUSY, OUTCOME_UNKNOWN, STORE_UNREACHABLE, NO_QUORUM and CLOCK_SKEWED, false for every other code.
   */
  readonly retryable?: boolean;
  /** Default: none. */
  readonly issues?: readonly Issue[];
  /** Default: none. */
  readonly quota?: ExceededQuota | undefined;
  /** The error that caused this one. */
  readonly cause?: unknown;
}

// This symbol is in the global registry, so that each of the ESM and CommonJS builds recognises errors from the other.
const brand = Symbol.for('multi-agent-memory.error');
const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  'OVERLOADED',
  'DISK_FULL',
  'FILE_FAILED',
  'STORE_BUSY',
  'OUTCOME_UNKNOWN',
  'STORE_UNREACHABLE',
  'NO_QUORUM',
  'CLOCK_SKEWED',
]);

/**
 * The error class of this library. Calls that fail reject with it. An aborted call rejects with its signal's reason instead.
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
  /** The reason for the error. Test this in your code, not the message. */
  readonly code: ErrorCode;
  /** True if the same call may succeed later without a change. */
  readonly retryable: boolean;
  /**
   * The problems in the input, in the order of the input. Empty unless the code is INVALID_INPUT. At most 50 are listed. If there are
   * more, the last issue says how many.
   */
  readonly issues: readonly Issue[];
  /** The quota of the caller that the call would have exceeded. Only present if the code is QUOTA_EXCEEDED. */
  declare readonly quota?: ExceededQuota;

  constructor(code: ErrorCode, message: string, details: MemoryErrorDetails = {}) {
    super(cutToBytes(message, maxMessageBytes), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? retryableCodes.has(code);
    this.issues = boundedIssues(details.issues ?? []);
    if (details.quota !== undefined) this.quota = details.quota;
    Object.defineProperty(this, brand, { value: true });
  }

  /**
   * Returns true for a `MemoryError` from any build of this library. Use it instead of `instanceof`, which returns false for an error
   * from the other build (ESM or CommonJS).
   */
  static is(error: unknown): error is MemoryError {
    return typeof error === 'object' && error !== null && brand in error;
  }
}

/**
 * Makes one INVALID_INPUT error for all issues. Its message contains one sentence for each issue, such as
 * "Invalid topK: expected an integer from 1 to 1000, got 0."
 *
 * @param subject The name for the whole input, used for issues without a path. Default: 'input'.
 */
export function invalidInput(issues: readonly Issue[], subject = 'input'): MemoryError {
  const bounded = boundedIssues(issues);
  return new MemoryError('INVALID_INPUT', sentencesOf(bounded, subject), { issues: bounded });
}

/** Makes one sentence for each issue, with its path. `subject` is the name for the whole input, used for issues without a path. */
export function sentencesOf(issues: readonly Issue[], subject: string): string {
  const sentence = ({ path, message }: Issue) =>
    `Invalid ${path.length === 0 ? subject : formatPath(path)}: ${message}`;
  return issues.map(sentence).join(' ');
}

function formatPath(path: Issue['path']): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}

/** The maximum number of issues in one error. Parsing may stop when it has found this many. */
export const maxIssues = 50;
/** The maximum length of an error's message, in UTF-8 bytes. The texts of all its issues together have the same maximum. */
const maxMessageBytes = 65_536;
// The library's messages with a name from the input are much shorter. A message with a list of all known names may be longer.
const maxIssueChars = 1_000;
const maxStepChars = 128;

/**
 * Shortens a list of issues, because the input determines how many issues there are and how long their paths are. If issues are left out,
 * the last issue of the result says how many. A list that was already shortened stays unchanged.
 */
export function boundedIssues(issues: readonly Issue[]): readonly Issue[] {
  const kept: Issue[] = [];
  let chars = 0;
  for (const issue of issues) {
    const short = shortened(issue);
    chars += short.message.length + short.path.reduce<number>((sum, step) => sum + String(step).length, 0);
    const rest = issues.length - kept.length;
    // A UTF-16 code unit takes at most three bytes in UTF-8. If only one issue would be left out, it is kept instead of the count.
    const isFull = kept.length >= maxIssues || (kept.length > 0 && chars * 3 > maxMessageBytes);
    if (isFull && rest > 1) return [...kept, { path: [], message: `${rest} further problems are not listed.` }];
    kept.push(short);
  }
  return kept;
}

function shortened(issue: Issue): Issue {
  const { path, message } = issue;
  const isShort = (text: string | number, max: number) => typeof text === 'number' || text.length <= max;
  if (isShort(message, maxIssueChars) && path.every((step) => isShort(step, maxStepChars))) return issue;
  return {
    path: path.map((step) => (typeof step === 'number' ? step : cutToChars(step, maxStepChars))),
    message: cutToChars(message, maxIssueChars),
  };
}

/** Cuts a text that is too long and adds an ellipsis. It is for names from the input, which may have any length. */
export function cutToChars(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`;
}

function cutToBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  return cutToChars(text, Math.floor(maxBytes / 3));
}
