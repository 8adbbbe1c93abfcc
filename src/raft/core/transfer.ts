import type { Configuration } from './configuration';
import type { Consensus } from './consensus';
import type { NodeId } from './node-id';
import { sendAppend } from './replication';

/** Hands the office to a voter. It goes ahead when that member's log is complete, and is given up after an election time-out. */
export function transferTo(node: Consensus, target: NodeId): void {
  const progress = node.peers.progressOf(target);
  if (progress === undefined || node.peers.isLearner(target) || target === node.transferTarget) return;
  node.abortTransfer();
  if (target === node.id) return;
  node.electionElapsed = 0;
  node.transferTarget = target;
  if (progress.match === node.log.lastIndex) sendTimeoutNow(node, target);
  else sendAppend(node, target, true);
}

/** Tells a member whose log is complete to start an election at once. */
export function sendTimeoutNow(node: Consensus, to: NodeId): void {
  node.send({ kind: 'timeout-now', from: node.id, to, term: node.term });
}

/**
 * Hands the office over if a configuration takes the vote of this leader away, and a voter of today keeps its own: to the one with the most
 * complete log. False if there is no need, or nobody. A member that has not answered lately gets no office, because it may be gone, and
 * writes stop while it is waited for.
 */
export function handOverBefore(node: Consensus, next: Configuration): boolean {
  if (next.voters.includes(node.id)) return false;
  const staying = next.voters.filter((id) => node.peers.isVoter(id));
  const matchOf = (id: NodeId) => node.peers.progressOf(id)!.match;
  const [successor] = staying
    .filter((id) => node.peers.progressOf(id)!.isActive)
    .sort((a, b) => matchOf(b) - matchOf(a) || a - b);
  if (successor !== undefined) transferTo(node, successor);
  return staying.length > 0;
}
