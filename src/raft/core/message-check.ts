import type { Entry } from './entry';
import { isCounter } from './invariants';
import type { LeaseOffer, LeaseReport, Message } from './messages';

/**
 * Whether a message can be one that a node has sent. It guards against a decoder that went wrong, not against malice: a member of the
 * cluster is trusted.
 */
export function isWellFormed(message: Message): boolean {
  return isCounter(message.from) && isCounter(message.to) && isCounter(message.term) && hasSoundFields(message);
}

function hasSoundFields(message: Message): boolean {
  switch (message.kind) {
    case 'vote-request':
    case 'pre-vote-request':
      return isCounter(message.lastIndex) && isCounter(message.lastTerm);
    case 'vote-response':
    case 'pre-vote-response':
      return isCounter(message.commitIndex) && isCounter(message.commitTerm);
    case 'append':
      return isCounter(message.previousIndex) && isCounter(message.commit) && followsPrevious(message);
    case 'append-response':
      return isCounter(message.index) && isCounter(message.hintIndex) && isCounter(message.hintTerm);
    case 'heartbeat':
      return isCounter(message.commit) && isCounter(message.readRound) && isSoundOffer(message.lease);
    case 'heartbeat-response':
      return isCounter(message.readRound) && isSoundReport(message.lease);
    case 'snapshot':
      return isCounter(message.snapshot.index) && message.snapshot.term <= message.term;
    case 'read-index-response':
    case 'barrier':
    case 'barrier-response':
      return isCounter(message.index);
    default:
      return true;
  }
}

function isSoundOffer(lease: LeaseOffer | undefined): boolean {
  if (lease === undefined) return true;
  const { round, awaited, grant } = lease;
  return [round, awaited, grant?.start ?? 0, grant?.stamp ?? 0].every(isCounter);
}

function isSoundReport(lease: LeaseReport | undefined): boolean {
  return lease === undefined || [lease.round, lease.start, lease.stamp, lease.applied].every(isCounter);
}

// Entries follow each other without a gap, and terms never fall: up to the term of the leader that sends them.
function followsPrevious(message: {
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly term: number;
}): boolean {
  let [index, term] = [message.previousIndex, message.previousTerm];
  if (!isCounter(term)) return false;
  for (const entry of message.entries) {
    if (entry.index !== index + 1 || !isCounter(entry.term) || entry.term < term) return false;
    [index, term] = [entry.index, entry.term];
  }
  return term <= message.term;
}
