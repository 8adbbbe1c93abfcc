import type { Consensus } from './consensus';
import { noBytes } from './entry';
import type { VoteResponse } from './messages';
import { type NodeId, noNode } from './node-id';
import type { VoteResult } from './quorum';
import { appendProposed, broadcastAppend } from './replication';

/** Why an election starts: time ran out, or the leader asked for it. */
export type ElectionCause = 'timeout' | 'transfer';

/** Starts an election, unless this node leads already or may not lead. True if it started. */
export function startElection(node: Consensus, cause: ElectionCause): boolean {
  if (node.role === 'leader' || !node.isPromotable || hasUnappliedChange(node)) return false;
  // A transfer comes from a leader that lives, so there is no need to ask whether the election can be won.
  if (node.settings.preVote && cause === 'timeout') askBeforeElection(node);
  else askForVotes(node, cause);
  return true;
}

/** Counts an answer. Goes on to the election after enough pre-votes, leads after enough votes, follows after too many refusals. */
export function countVote(node: Consensus, from: NodeId, isGranted: boolean): void {
  node.peers.vote(from, isGranted);
  const result: VoteResult = node.peers.voteResult();
  if (result === 'lost') node.becomeFollower(node.term, noNode);
  if (result !== 'won') return;
  if (node.role === 'pre-candidate') askForVotes(node, 'timeout');
  else lead(node);
}

/** Answers a vote request, or casts the own vote. */
export function answerVote(
  node: Consensus,
  kind: VoteResponse['kind'],
  to: NodeId,
  term: number,
  isRejected: boolean,
): void {
  const { index: commitIndex, term: commitTerm } = node.log.committedPlace;
  node.send({ kind, from: node.id, to, term, isRejected, commitIndex, commitTerm });
}

/**
 * Learns from a voter what is committed. A place that both logs hold is committed in both. If a change of the members turns out to be
 * committed, this node must apply it before it asks anybody again.
 */
export function learnCommit(node: Consensus, { commitIndex: index, commitTerm: term }: VoteResponse): void {
  if (node.role === 'leader' || index <= node.log.committed || !node.log.matches({ index, term })) return;
  node.log.commitTo(index);
  if (node.role !== 'follower' && hasUnappliedChange(node)) node.becomeFollower(node.term, noNode);
}

// Sends no vote of its own here: it is counted when term and vote are durable, like everybody else's.
function askBeforeElection(node: Consensus): void {
  node.becomePreCandidate();
  request(node, 'pre-vote', node.term + 1, false);
}

function askForVotes(node: Consensus, cause: ElectionCause): void {
  node.becomeCandidate();
  request(node, 'vote', node.term, cause === 'transfer');
}

function request(node: Consensus, kind: 'vote' | 'pre-vote', term: number, isTransfer: boolean): void {
  const { id: from } = node;
  const { index: lastIndex, term: lastTerm } = node.log.lastPlace;
  for (const to of node.peers.voters) {
    if (to === from) answerVote(node, `${kind}-response`, to, term, false);
    else node.send({ kind: `${kind}-request`, from, to, term, lastIndex, lastTerm, isTransfer });
  }
}

// An entry of the own term, without data, commits what earlier leaders left uncommitted.
function lead(node: Consensus): void {
  node.becomeLeader();
  appendProposed(node, [{ kind: 'normal', data: noBytes }]);
  broadcastAppend(node);
}

/**
 * Whether a change of the members is committed but not applied here. This node would then ask the wrong members, and could win with
 * the majority of a configuration that is over.
 */
function hasUnappliedChange(node: Consensus): boolean {
  const { log } = node;
  for (let low = log.applied + 1; low <= log.committed; ) {
    const entries = log.slice(low, log.committed + 1, node.settings.maxMessageBytes) ?? [];
    if (entries.length === 0 || entries.some(({ kind }) => kind === 'configuration')) return true;
    low += entries.length;
  }
  return false;
}
