import type { Consensus } from './consensus';
import type { PendingBarrier } from './pending-barriers';
import { beginLeaseRound, settleBarriers } from './read-leases';
import { broadcastHeartbeat } from './replication';

/** Takes a barrier at the leader, from itself or from a follower. */
export function requestBarrier(node: Consensus, barrier: PendingBarrier): void {
  node.barriers.add(barrier);
  node.leases?.given.raiseFloor(barrier.index);
  settleBarriers(node);
  // Members that have applied it say so at once, and the others as soon as they have.
  if (node.barriers.open()) broadcastHeartbeat(node);
}

/** The leader has committed an entry of its own term: the first leases need not wait for the next heartbeats. */
export function beginLeases(node: Consensus): void {
  if (node.leases === undefined || node.leases.given.hasBegun) return;
  beginLeaseRound(node);
  broadcastHeartbeat(node);
}
