import type { Consensus } from './consensus';
import type { NodeId } from './node-id';
import type { ConfirmedRead, PendingRead } from './read-rounds';
import { broadcastHeartbeat } from './replication';

/** Takes a read at the leader, from itself or from a follower. */
export function requestRead(node: Consensus, read: PendingRead): void {
  const { log, reads } = node;
  // A new leader holds every committed entry but may not know which ones are, until it has committed one of its own term.
  if (log.termOrZero(log.committed) !== node.term) {
    reads.holdBack(read);
    return;
  }
  const confirmed = { ...read, index: log.committed };
  if (node.peers.isAlone(node.id) || node.settings.reads === 'lease') answerRead(node, confirmed);
  else if (reads.add(confirmed)) broadcastHeartbeat(node);
}

/** The leader has committed an entry of its own term: reads that waited for that go on. */
export function releaseEarlyReads(node: Consensus): void {
  for (const read of node.reads.takeEarly()) requestRead(node, read);
}

/** A member answered a heartbeat, which may confirm reads. */
export function confirmReads(node: Consensus, from: NodeId, round: number): void {
  if (round === 0) return;
  for (const read of node.reads.answer(from, round, node.id, node.peers.configuration)) answerRead(node, read);
}

function answerRead(node: Consensus, { from: to, context, index }: ConfirmedRead): void {
  if (to === node.id) node.readStates.push({ index, context });
  else node.send({ kind: 'read-index-response', from: node.id, to, term: node.term, index, context });
}
