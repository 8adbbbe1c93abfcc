import type { Consensus } from './consensus';
import { type Entry, type LogPlace, type Proposed, payloadsBytes } from './entry';
import { invariant } from './invariants';
import type { NodeId } from './node-id';
import type { Progress } from './progress';
import { leaseOffer } from './read-leases';

/** Adds proposals to the leader's own log. The place of the last one, or undefined if too many bytes wait for their commit. */
export function appendProposed(node: Consensus, proposed: readonly Proposed[]): LogPlace | undefined {
  const bytes = payloadsBytes(proposed);
  const isTooMuch = node.uncommittedBytes > 0 && node.uncommittedBytes + bytes > node.settings.maxUncommittedBytes;
  // Entries without bytes are always taken: a new leader needs its first one, and leaving a joint configuration must not wait.
  if (bytes > 0 && isTooMuch) return undefined;
  node.uncommittedBytes += bytes;
  const { term, id } = node;
  const first = node.log.lastIndex + 1;
  const entries = proposed.map((entry, at) => placed(entry, term, first + at));
  node.log.append(entries);
  const index = node.log.lastIndex;
  // The leader counts itself only when its own log is durable.
  node.send({ kind: 'append-response', from: id, to: id, term, index, isRejected: false, hintIndex: 0, hintTerm: 0 });
  return { index, term };
}

// Field by field: a spread here was a fifth of what the core costs a command.
function placed(entry: Proposed, term: number, index: number): Entry {
  return entry.kind === 'normal'
    ? { kind: 'normal', data: entry.data, term, index }
    : { kind: 'configuration', change: entry.change, term, index };
}

/** Commits what the members have acknowledged. True if that was news. */
export function advanceCommit(node: Consensus): boolean {
  return node.log.commitInTerm({ index: node.peers.committedIndex(), term: node.term });
}

/** Sends to all other members what they lack, and at least the commit index. */
export function broadcastAppend(node: Consensus): void {
  for (const id of node.peers.ids) if (id !== node.id) sendAppend(node, id, true);
}

/** Sends heartbeats to all other members, with the round of reads that waits. */
export function broadcastHeartbeat(node: Consensus): void {
  for (const to of node.peers.ids) {
    if (to === node.id) continue;
    const progress = node.peers.progressOf(to)!;
    // A member that lacks the entry must not commit it, so it is told only of what it is known to hold.
    const commit = Math.min(progress.match, node.log.committed);
    const { id: from, term } = node;
    node.send({ kind: 'heartbeat', from, to, term, commit, readRound: node.reads.wanted, ...leaseOffer(node, to) });
    progress.toldCommit(commit);
  }
}

/**
 * Sends the next entries to a member, or a snapshot if they are purged. `alsoEmpty` sends a message without entries, too, to probe or
 * to tell the commit index. True if something was sent.
 */
export function sendAppend(node: Consensus, to: NodeId, alsoEmpty: boolean): boolean {
  const progress = node.peers.progressOf(to);
  if (progress === undefined || progress.mustWait) return false;
  const previousIndex = progress.next - 1;
  const previousTerm = node.log.term(previousIndex);
  // With full inflights only an empty message goes out: when all others were lost, its answer starts the flow again.
  const isFull = progress.state === 'replicate' && progress.inflights.isFull;
  const entries = isFull ? [] : node.log.entriesFrom(progress.next, node.settings.maxMessageBytes);
  if (previousTerm === undefined || entries === undefined) return sendSnapshot(node, to, progress);
  if (entries.length === 0 && !alsoEmpty) return false;
  const { id: from, term } = node;
  const commit = node.log.committed;
  node.send({ kind: 'append', from, to, term, previousIndex, previousTerm, entries, commit });
  progress.sent(entries.length, payloadsBytes(entries));
  progress.toldCommit(commit);
  return true;
}

function sendSnapshot(node: Consensus, to: NodeId, progress: Progress): boolean {
  // A member that does not answer could not use it, and a snapshot costs much.
  if (!progress.isActive) return false;
  const snapshot = node.log.snapshot();
  if (snapshot === undefined) return false;
  invariant(snapshot.index + 1 >= node.log.firstIndex, 'INDEX_ORDER', () => {
    return `The snapshot at ${snapshot.index} ends before the log, which begins at ${node.log.firstIndex}.`;
  });
  if (snapshot.index <= node.log.applied) node.memberships.check(snapshot);
  progress.awaitSnapshot(snapshot.index);
  node.send({ kind: 'snapshot', from: node.id, to, term: node.term, snapshot });
  return true;
}
