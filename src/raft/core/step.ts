import { receiveAtCandidate } from './candidate';
import type { Consensus } from './consensus';
import { answerVote, learnCommit } from './election';
import { entriesBytes, payloadsBytes } from './entry';
import { receiveAtFollower } from './follower';
import { receiveAtLeader } from './leader';
import type { Message, StorageAppended, StorageApplied, VoteRequest } from './messages';
import { noNode } from './node-id';
import { leaveJointIfDue, type ProposalOutcome } from './proposal';
import { reportApplied } from './read-leases';

/** Takes a message: first by its term, then by its kind, then by the role of this node. */
export function receive(node: Consensus, message: Message): ProposalOutcome | undefined {
  // Messages of the term 0 belong to no term.
  if (message.term > node.term && !enterTerm(node, message)) return undefined;
  if (message.term !== 0 && message.term < node.term) {
    receiveOld(node, message);
    return undefined;
  }
  switch (message.kind) {
    case 'storage-appended':
      node.log.unstable.stored({ index: message.index, term: message.indexTerm });
      snapshotInstalled(node, message);
      return undefined;
    case 'storage-applied':
      entriesApplied(node, message);
      return undefined;
    case 'vote-request':
    case 'pre-vote-request':
      receiveVoteRequest(node, message);
      return undefined;
    case 'vote-response':
    case 'pre-vote-response':
      learnCommit(node, message);
      return receiveInRole(node, message);
    default:
      return receiveInRole(node, message);
  }
}

function receiveInRole(node: Consensus, message: Message): ProposalOutcome | undefined {
  if (node.role === 'leader') return receiveAtLeader(node, message);
  return node.role === 'follower' ? receiveAtFollower(node, message) : receiveAtCandidate(node, message);
}

/** Goes on to the term of a message, if it counts. False if the message is to be ignored. */
function enterTerm(node: Consensus, message: Message): boolean {
  switch (message.kind) {
    case 'vote-request':
    case 'pre-vote-request':
      // This node hears from a leader: somebody who does not must not push it out, unless the leader itself asked for it.
      if (node.isInLease && !message.isTransfer) return false;
      // A pre-vote asks about the next term without entering it.
      if (message.kind === 'vote-request') node.becomeFollower(message.term, noNode);
      return true;
    case 'pre-vote-response':
      // A granted pre-vote comes back with the next term, which is not entered before enough of them are here.
      if (message.isRejected) node.becomeFollower(message.term, noNode);
      return true;
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      node.becomeFollower(message.term, message.from);
      return true;
    default:
      node.becomeFollower(message.term, noNode);
      return true;
  }
}

/** A message of a term that is over. Most are ignored. */
function receiveOld(node: Consensus, message: Message): void {
  const { id: from, term } = node;
  const { settings } = node;
  switch (message.kind) {
    case 'append':
    case 'heartbeat':
      // A leader that does not know that its term is over cannot be disturbed by votes when these two options are on: the answer
      // tells it the new term, or the cluster could be stuck.
      if (settings.checkQuorum || settings.preVote)
        node.send({
          kind: 'append-response',
          from,
          to: message.from,
          term,
          index: 0,
          isRejected: false,
          hintIndex: 0,
          hintTerm: 0,
        });
      break;
    case 'pre-vote-request':
      answerVote(node, 'pre-vote-response', message.from, term, true);
      break;
    case 'storage-appended':
      // The entries may have been replaced since, and the write that replaces them may still be on its way. A later answer covers them.
      snapshotInstalled(node, message);
      break;
  }
}

function receiveVoteRequest(node: Consensus, message: VoteRequest): void {
  const { from: to } = message;
  const isPreVote = message.kind === 'pre-vote-request';
  const isFree =
    node.vote === to || (node.vote === noNode && node.leader === noNode) || (isPreVote && message.term > node.term);
  const isRejected = !isFree || !node.log.isUpToDate({ index: message.lastIndex, term: message.lastTerm });
  // Learners vote, too: the candidate may know better than they do that they are voters by now.
  const kind = isPreVote ? 'pre-vote-response' : 'vote-response';
  // A granted pre-vote names the term that was asked about; the candidate does not enter it by that.
  const term = isRejected ? node.term : message.term;
  answerVote(node, kind, to, term, isRejected);
  if (isRejected || isPreVote) return;
  node.electionElapsed = 0;
  node.vote = to;
}

function snapshotInstalled(node: Consensus, { snapshotIndex }: StorageAppended): void {
  if (snapshotIndex === 0) return;
  node.log.unstable.snapshotInstalled(snapshotIndex);
  appliedTo(node, Math.max(snapshotIndex, node.log.applied), 0);
}

function entriesApplied(node: Consensus, { entries }: StorageApplied): void {
  const last = entries.at(-1);
  if (last === undefined) return;
  appliedTo(node, Math.max(last.index, node.log.applied), entriesBytes(entries));
  node.uncommittedBytes = Math.max(0, node.uncommittedBytes - payloadsBytes(entries));
}

function appliedTo(node: Consensus, index: number, bytes: number): void {
  node.log.appliedTo(index, bytes);
  reportApplied(node);
  leaveJointIfDue(node);
}
