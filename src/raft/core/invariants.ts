/**
 * The promise that was broken.
 *
 * - `ONE_LEADER_A_TERM` Two nodes lead in one term.
 * - `LOGS_MATCH` Two logs hold different entries under one index and term, or a peer claims an entry that its leader does not have.
 * - `COMMITTED_IMMUTABLE` A committed entry would be replaced.
 * - `LOG_LOST` The leader knows that this node stored an entry that its log no longer holds.
 * - `INDEX_ORDER` The order purged <= applied <= committed <= last does not hold.
 * - `HARD_STATE_MONOTONIC` The term or the commit index would go back, or a vote would change within a term.
 * - `MEMBERSHIP_STALE` A membership does not belong to the index that it is stored under.
 * - `CALL_ORDER` The host called the node in an order that its documentation forbids.
 */
export type InvariantCode =
  | 'ONE_LEADER_A_TERM'
  | 'LOGS_MATCH'
  | 'COMMITTED_IMMUTABLE'
  | 'LOG_LOST'
  | 'INDEX_ORDER'
  | 'HARD_STATE_MONOTONIC'
  | 'MEMBERSHIP_STALE'
  | 'CALL_ORDER';

/**
 * Consensus is broken on this node, or its disk lost what it acknowledged. The node must stop: it may not answer, vote or write any
 * more. The checks stay on in production, because a node that goes on would spread the damage.
 */
export class InvariantViolation extends Error {
  readonly code: InvariantCode;

  constructor(code: InvariantCode, message: string) {
    super(message);
    this.name = 'InvariantViolation';
    this.code = code;
  }
}

/** Throws an `InvariantViolation` unless `holds`. `message` is a function, because most checks hold and need no text. */
export function invariant(holds: boolean, code: InvariantCode, message: () => string): asserts holds {
  if (!holds) throw new InvariantViolation(code, message());
}

/** Whether the value can be an id, a term or an index: an integer from 0 that arithmetic keeps exact. */
export function isCounter(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
