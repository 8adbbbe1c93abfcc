import { requestBarrier } from './barriers';
import { commitAcknowledged } from './commit';
import type { Consensus } from './consensus';
import { invariant } from './invariants';
import { confirmReads, requestRead } from './leader-reads';
import type { AppendResponse, HeartbeatResponse, Message } from './messages';
import { type NodeId, noNode } from './node-id';
import type { Progress } from './progress';
import { leaveJointIfDue, type ProposalOutcome, proposeAtLeader } from './proposal';
import { beginLeaseRound, settleBarriers, takeLeaseReport } from './read-leases';
import { broadcastHeartbeat, sendAppend } from './replication';
import { sendTimeoutNow, transferTo } from './transfer';

/** A tick passes at the leader. */
export function tickLeader(node: Consensus): void {
  node.heartbeatElapsed += 1;
  node.electionElapsed += 1;
  if (node.settings.stepDownOnStalledAppend && isAppendStalled(node)) {
    node.becomeFollower(node.term, noNode);
    return;
  }
  if (node.electionElapsed >= node.settings.electionTicks) {
    node.electionElapsed = 0;
    if (node.settings.checkQuorum) checkQuorum(node);
    // A target that has not won by now will not: proposals must not wait for ever.
    if (node.role === 'leader') node.abortTransfer();
  }
  if (node.role !== 'leader') return;
  settleBarriers(node);
  if (node.heartbeatElapsed < node.settings.heartbeatTicks) return;
  node.heartbeatElapsed = 0;
  beginLeaseRound(node);
  broadcastHeartbeat(node);
  leaveJointIfDue(node);
}

/** A message of this term arrives at the leader. */
export function receiveAtLeader(node: Consensus, message: Message): ProposalOutcome | undefined {
  switch (message.kind) {
    case 'propose':
      return proposeAtLeader(node, message.entries);
    case 'read-index':
      requestRead(node, message);
      return undefined;
    case 'barrier':
      requestBarrier(node, message);
      return undefined;
    case 'transfer-request':
      transferTo(node, message.target);
      return undefined;
    case 'append-response':
      withProgress(node, message.from, (progress) => receiveAppendResponse(node, message, progress));
      return undefined;
    case 'heartbeat-response':
      withProgress(node, message.from, (progress) => receiveHeartbeatResponse(node, message, progress));
      return undefined;
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      // Only a leader sends these, and this node leads: `follow` reports the second leader.
      node.follow(message.from);
      return undefined;
    default:
      return undefined;
  }
}

/** The transport could not reach a member: what is on its way may be lost. */
export function memberUnreachable(node: Consensus, id: NodeId): void {
  withProgress(node, id, (progress) => {
    if (progress.state === 'replicate') progress.probe();
  });
}

/** The sending of a snapshot has ended. */
export function snapshotSent(node: Consensus, id: NodeId, isDelivered: boolean): void {
  withProgress(node, id, (progress) => {
    if (progress.state !== 'snapshot') return;
    if (!isDelivered) progress.pendingSnapshot = 0;
    progress.probe();
    // Installing takes time. Wait for the member's own answer, or for the next heartbeat.
    progress.isPaused = true;
  });
}

function receiveAppendResponse(node: Consensus, message: AppendResponse, progress: Progress): void {
  progress.isActive = true;
  if (message.isRejected) {
    receiveRejection(node, message, progress);
    return;
  }
  const { from, index } = message;
  invariant(index <= node.log.lastIndex, 'LOGS_MATCH', () => {
    return `The node ${from} claims to hold the entry ${index}, but its leader's log ends at ${node.log.lastIndex}.`;
  });
  const isNews = progress.matched(index);
  // A member that is probed may turn out to hold everything: that is no news about the index, but the probing is over.
  if (!isNews && !(progress.match === index && progress.state === 'probe')) return;
  resumeReplication(node, progress, index);
  if (!commitAcknowledged(node) && from !== node.id && progress.wouldLearnCommit(node.log.committed))
    sendAppend(node, from, true);
  // The answer made room for more messages.
  if (from !== node.id) while (sendAppend(node, from, false));
  if (from === node.transferTarget && progress.match === node.log.lastIndex) sendTimeoutNow(node, from);
}

function resumeReplication(node: Consensus, progress: Progress, index: number): void {
  if (progress.state === 'replicate') progress.inflights.freeUpTo(index);
  // After a snapshot the log must go on without a gap, whichever snapshot it was that arrived.
  else if (progress.state === 'probe' || progress.match + 1 >= node.log.firstIndex) progress.replicate();
}

function receiveRejection(node: Consensus, message: AppendResponse, progress: Progress): void {
  const { from, index, hintIndex, hintTerm } = message;
  // Skips all entries of terms that the member cannot hold there: one round per term, not one per entry.
  const hint = hintTerm > 0 ? node.log.highestPlace(hintIndex, hintTerm).index : hintIndex;
  if (!progress.rejected(index, hint)) return;
  if (progress.state === 'replicate') progress.probe();
  sendAppend(node, from, true);
}

function receiveHeartbeatResponse(node: Consensus, message: HeartbeatResponse, progress: Progress): void {
  const { from, readRound } = message;
  progress.isActive = true;
  progress.isPaused = false;
  if (progress.match < node.log.lastIndex || progress.state === 'probe') sendAppend(node, from, true);
  confirmReads(node, from, readRound);
  takeLeaseReport(node, message);
}

function checkQuorum(node: Consensus): void {
  if (!node.peers.isQuorumActive(node.id)) {
    node.becomeFollower(node.term, noNode);
    return;
  }
  for (const id of node.peers.ids) {
    if (id === node.id) continue;
    const progress = node.peers.progressOf(id)!;
    // A member that was silent for so long may have lost what was on its way, a snapshot included.
    if (!progress.isActive && progress.state !== 'probe') restartProbe(progress);
    progress.isActive = false;
  }
}

function restartProbe(progress: Progress): void {
  progress.pendingSnapshot = 0;
  progress.probe();
}

// Counts the ticks in which the own log did not grow although it should. A leader with a hanging disk could hold its office for ever.
function isAppendStalled(node: Consensus): boolean {
  const { unstable } = node.log;
  const isWaiting = unstable.hasEntries && unstable.offset === node.stalledOffset;
  node.stalledTicks = isWaiting ? node.stalledTicks + 1 : 0;
  node.stalledOffset = unstable.offset;
  return node.stalledTicks >= node.settings.electionTicks;
}

function withProgress(node: Consensus, id: NodeId, use: (progress: Progress) => void): void {
  const progress = node.peers.progressOf(id);
  if (progress !== undefined) use(progress);
}
