import { MemoryError } from '../domain/errors';

/** Makes the error for a write or a read that the cluster could not decide on. Nothing has left this node. */
export function withoutQuorum(waitMs: number): MemoryError {
  const message = `No leader of the cluster has answered for ${waitMs} ms. Nothing of this call was written. Try again when a majority of the voters is connected.`;
  return new MemoryError('NO_QUORUM', message);
}

/** Makes the error for a write that has left this node, and whose outcome it does not know. */
export function unknownOutcome(reason: string): MemoryError {
  const message = `${reason} The write may have happened. Read the memory, or repeat the call with the same key or idempotencyKey.`;
  return new MemoryError('OUTCOME_UNKNOWN', message);
}

// The reasons for which an operator must do something else than to open the store again.
const lastingReasons: ReadonlySet<MemoryError['code']> = new Set([
  'NODE_REMOVED',
  'NODE_DUPLICATE',
  'CLUSTER_MISMATCH',
  'STATE_DIVERGED',
  'LOG_REGRESSED',
]);

/** Makes the error for a call on a node that has halted. */
export function haltedNode({ code, message }: MemoryError): MemoryError {
  if (lastingReasons.has(code)) return new MemoryError(code, `${message} Nothing of this call was written.`);
  const text = `This node of the cluster has stopped: ${message} Nothing of this call was written. Open the store again when the cause is mended.`;
  return new MemoryError('FILE_FAILED', text);
}

/** Makes the error for a call on a log that was closed. */
export function closedLog(): MemoryError {
  return new MemoryError('STORE_CLOSED', 'The store is closed. Open it again to write.');
}
