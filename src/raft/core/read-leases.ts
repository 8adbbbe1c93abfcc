import type { Consensus } from './consensus';
import type { Heartbeat, HeartbeatResponse, LeaseOffer } from './messages';
import { type NodeId, noNode } from './node-id';
import type { PendingBarrier } from './pending-barriers';

/*
 * A member with a read lease serves reads from what it has applied, without asking anybody. A barrier at an index is settled when no
 * member can serve a read from a state before that index any more, now or later. This is why.
 *
 * How long a lease lasts. A member puts a stamp of its own clock into each report. A grant sends the stamp back, and the lease runs
 * from the stamp on, by the member's clock. The leader counts from the arrival of the report, which is later, and 1 % longer. So a
 * lease that the leader believes to be over is over, however long messages take and processes pause.
 *
 * One leader. A barrier waits until each member with an unexpired lease has reported that it has applied the index. From the request on,
 * a member that has not applied the index gets no lease. So a lease that the leader gives later does not matter. A member that starts
 * again may have lost what it had applied. Its leases of the start before are void, and the leader notes each start for itself.
 *
 * An earlier leader. It grants a stamp only after a majority has answered a round of heartbeats that began after the report arrived, and
 * its own lease runs from the beginning of such a round. One member of this majority also voted for the next leader, and it answered the
 * round before it voted. So each lease of an earlier leader began before the election. A new leader waits for the time of a lease and 1 %
 * before it settles a barrier. Members keep their leases when the term changes, so reads go on during an election. Changes of the members
 * are no exception: the majorities of configurations next to each other overlap, and each further change needs another leader in between.
 *
 * A later leader, which may be elected while an earlier one still settles a barrier. The index of the barrier is committed in the log of
 * the earlier leader, so the later one has it in its log when it is elected, and gives no lease to a member that has not applied all of
 * that log. The earlier one knows its own leases, and has waited for those before it.
 *
 * Who else could hold a lease. A member that was removed stays in the leader's notes until its lease has run out.
 */

/** Answers the barriers that nobody can read from before any more. */
export function settleBarriers(node: Consensus): void {
  if (node.barriers.isEmpty) return;
  for (const { from: to, context, index } of node.barriers.take((barrier) => isSettled(node, barrier))) {
    if (to === node.id) node.barrierStates.push({ index, context });
    else node.send({ kind: 'barrier-response', from: node.id, to, term: node.term, index, context });
  }
}

/** Time for the leader to begin a round of leases, with the heartbeats that follow. */
export function beginLeaseRound(node: Consensus): void {
  node.leases?.given.beginRound(node.leases.now(), node.log.committed);
  renewOwnLease(node);
}

/** What a heartbeat says about leases. */
export function leaseOffer(node: Consensus, to: NodeId): { readonly lease?: LeaseOffer } {
  if (node.leases === undefined) return {};
  return { lease: node.leases.given.offer(to, node.id, node.peers.configuration, node.leases.now()) };
}

/** A member has answered a heartbeat, or has applied what was awaited. */
export function takeLeaseReport(node: Consensus, { from, lease }: HeartbeatResponse): void {
  if (node.leases === undefined || lease === undefined) return;
  node.leases.given.report(from, lease, node.leases.now());
  renewOwnLease(node);
  settleBarriers(node);
}

/** A follower answers a heartbeat. */
export function answerHeartbeat(node: Consensus, { from, readRound, lease }: Heartbeat): void {
  if (lease !== undefined) node.leases?.held.take(lease, node.log.applied);
  report(node, from, { readRound, leaseRound: lease?.round ?? 0 });
}

/** This node has applied something. Its leader, or this node itself as the leader, may wait for that. */
export function reportApplied(node: Consensus): void {
  if (node.role === 'leader') settleBarriers(node);
  else if (node.leader !== noNode && node.leases?.held.answersAwaited(node.log.applied))
    report(node, node.leader, { readRound: 0, leaseRound: 0 });
}

interface AnsweredRounds {
  readonly readRound: number;
  readonly leaseRound: number;
}

function report(node: Consensus, to: NodeId, { readRound, leaseRound }: AnsweredRounds): void {
  const response = { kind: 'heartbeat-response', from: node.id, to, term: node.term, readRound } as const;
  node.send(
    node.leases === undefined
      ? response
      : { ...response, lease: node.leases.held.report(node.log.applied, leaseRound) },
  );
}

// The leader's own lease runs from the beginning of a round that a majority has answered.
function renewOwnLease(node: Consensus): void {
  const { leases, log, peers, id } = node;
  if (leases === undefined || log.applied < leases.given.floor(leases.now())) return;
  const from = leases.given.confirmedAt(id, peers.configuration);
  if (from !== undefined) leases.held.extend(from);
}

function isSettled(node: Consensus, { index }: PendingBarrier): boolean {
  if (index > node.log.committed) return false;
  if (node.leases === undefined) return true;
  const { held, given } = node.leases;
  const now = node.leases.now();
  if (given.mayBeInherited(now) && !haveFoundersApplied(node, index)) return false;
  const isOwnStateOld = held.isHeld(now) && node.log.applied < index;
  return !isOwnStateOld && !given.mayReadBefore(index, now);
}

// With the members that the cluster began with, and no others ever, a new leader need not wait: it knows everybody who could hold a lease.
function haveFoundersApplied(node: Consensus, index: number): boolean {
  const { log, memberships, pendingChangeIndex, peers, id } = node;
  if (memberships.latest.index > 1 || log.applied < pendingChangeIndex) return false;
  return peers.ids.every((member) =>
    member === id ? log.applied >= index : node.leases?.given.hasApplied(member, index),
  );
}
