import type { Consensus } from './consensus';
import { startElection } from './election';
import { restoreSnapshot } from './membership';
import type { Append, Heartbeat, InstallSnapshot, Message } from './messages';
import { noNode } from './node-id';
import type { ProposalOutcome } from './proposal';
import { answerHeartbeat } from './read-leases';

/** A message of this term arrives at a follower. */
export function receiveAtFollower(node: Consensus, message: Message): ProposalOutcome | undefined {
  switch (message.kind) {
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      receiveFromLeader(node, message);
      return undefined;
    case 'propose':
      if (node.leader === noNode) return { isAccepted: false, refusal: 'NO_LEADER' };
      node.send({ ...message, to: node.leader });
      return { isAccepted: true };
    case 'read-index':
    case 'barrier':
    case 'transfer-request':
      if (node.leader !== noNode) node.send({ ...message, to: node.leader });
      return undefined;
    case 'read-index-response':
      node.readStates.push({ index: message.index, context: message.context });
      return undefined;
    case 'barrier-response':
      node.barrierStates.push({ index: message.index, context: message.context });
      return undefined;
    case 'timeout-now':
      startElection(node, 'transfer');
      return undefined;
    default:
      return undefined;
  }
}

/** A message that only a leader sends: its sender leads this term. */
export function receiveFromLeader(node: Consensus, message: Append | Heartbeat | InstallSnapshot): void {
  node.electionElapsed = 0;
  node.follow(message.from);
  if (message.kind === 'append') receiveAppend(node, message);
  else if (message.kind === 'heartbeat') receiveHeartbeat(node, message);
  else receiveSnapshot(node, message);
}

/** Answers an append or a snapshot: everything up to `index` is here, as soon as it is durable. */
function accept(node: Consensus, to: number, index: number): void {
  const { id: from, term } = node;
  node.send({ kind: 'append-response', from, to, term, index, isRejected: false, hintIndex: 0, hintTerm: 0 });
}

function receiveAppend(node: Consensus, message: Append): void {
  const { from: to, previousIndex, previousTerm, entries, commit } = message;
  node.log.checkCommitted([{ index: previousIndex, term: previousTerm }, ...entries]);
  if (previousIndex < node.log.committed) {
    // An old message: this node holds more by now.
    accept(node, to, node.log.committed);
    return;
  }
  const last = node.log.appendMatching({ previous: { index: previousIndex, term: previousTerm }, entries }, commit);
  if (last !== undefined) {
    accept(node, to, last);
    return;
  }
  const end = Math.min(previousIndex, node.log.lastIndex);
  const { index: hintIndex, term: hintTerm } = node.log.highestPlace(end, previousTerm);
  const { id: from, term } = node;
  node.send({ kind: 'append-response', from, to, term, index: previousIndex, isRejected: true, hintIndex, hintTerm });
}

function receiveHeartbeat(node: Consensus, message: Heartbeat): void {
  node.log.commitTo(message.commit);
  answerHeartbeat(node, message);
}

function receiveSnapshot(node: Consensus, { from, snapshot }: InstallSnapshot): void {
  accept(node, from, restoreSnapshot(node, snapshot) ? node.log.lastIndex : node.log.committed);
}
