import { type ChangeRefusal, type ConfigurationChange, changedConfiguration, leaveJoint } from './configuration-change';
import type { Consensus } from './consensus';
import { type LogPlace, noBytes, type Proposed } from './entry';
import { noNode } from './node-id';
import { appendProposed, broadcastAppend } from './replication';
import { handOverBefore } from './transfer';

/**
 * Why a proposal was not taken. Nothing was added to the log, and the same proposal may be made again.
 *
 * - `NO_LEADER` No leader is known, for example during an election.
 * - `LEADER_MOVES` The leader is handing over its office.
 * - `TOO_MUCH_UNCOMMITTED` Too many bytes wait for their commit.
 * - `NOT_A_MEMBER` This node leads but was removed.
 * - `LEADER_LEAVES` The change takes the vote of the leader away. It hands over its office as soon as it can; propose the change again to the next.
 */
export type ProposalRefusal = 'NO_LEADER' | 'LEADER_MOVES' | 'TOO_MUCH_UNCOMMITTED' | 'NOT_A_MEMBER' | 'LEADER_LEAVES';

/** Why a change of the members was not made: another one is not applied yet, or it cannot be made from the present configuration. */
export type ChangeObstacle = 'CHANGE_PENDING' | ChangeRefusal;

/**
 * What became of a proposal. `place` says where it stands in the leader's log; it is absent if the proposal was sent on to the leader,
 * and an entry at that place with another term means that the proposal is lost. Accepted is not committed.
 */
export type ProposalOutcome =
  | { readonly isAccepted: true; readonly place?: LogPlace; readonly obstacle?: ChangeObstacle }
  | { readonly isAccepted: false; readonly refusal: ProposalRefusal };

/** Takes proposals at the leader. A change that cannot be made now becomes an empty entry, so that the others keep their order. */
export function proposeAtLeader(node: Consensus, proposed: readonly Proposed[]): ProposalOutcome {
  if (node.peers.progressOf(node.id) === undefined) return { isAccepted: false, refusal: 'NOT_A_MEMBER' };
  if (node.transferTarget !== noNode) return { isAccepted: false, refusal: 'LEADER_MOVES' };
  if (handsOverFirst(node, proposed)) return { isAccepted: false, refusal: 'LEADER_LEAVES' };
  let obstacle: ChangeObstacle | undefined;
  const before = node.pendingChangeIndex;
  const checked = proposed.map((entry, at): Proposed => {
    if (entry.kind !== 'configuration') return entry;
    const found = node.settings.checkChanges ? obstacleTo(node, entry.change) : undefined;
    if (found === undefined) {
      node.pendingChangeIndex = node.log.lastIndex + at + 1;
      return entry;
    }
    obstacle = found;
    return { kind: 'normal', data: noBytes };
  });
  const place = appendProposed(node, checked);
  if (place === undefined) {
    node.pendingChangeIndex = before;
    return { isAccepted: false, refusal: 'TOO_MUCH_UNCOMMITTED' };
  }
  broadcastAppend(node);
  return { isAccepted: true, place, ...(obstacle === undefined ? {} : { obstacle }) };
}

/**
 * Leaves a joint configuration that is to be left without being asked, once its entry is applied here. A leader that is handing over its
 * office refuses it, so it is tried again with time: nobody else might ever propose anything.
 */
export function leaveJointIfDue(node: Consensus): void {
  const isDue = node.peers.configuration.autoLeave && node.log.applied >= node.pendingChangeIndex;
  if (isDue && node.role === 'leader') proposeAtLeader(node, [{ kind: 'configuration', change: leaveJoint }]);
}

// A leader that removes itself leaves with what only it knows: that its removal is committed. So it hands over first, if anybody stays.
function handsOverFirst(node: Consensus, proposed: readonly Proposed[]): boolean {
  if (!node.settings.handOverBeforeLeaving || node.pendingChangeIndex > node.log.applied) return false;
  return proposed.some((entry) => {
    if (entry.kind !== 'configuration') return false;
    const { configuration } = changedConfiguration(node.peers.configuration, entry.change);
    return configuration !== undefined && handOverBefore(node, configuration);
  });
}

function obstacleTo(node: Consensus, change: ConfigurationChange): ChangeObstacle | undefined {
  if (node.pendingChangeIndex > node.log.applied) return 'CHANGE_PENDING';
  const { configuration, refusal } = changedConfiguration(node.peers.configuration, change);
  if (configuration === undefined) return refusal;
  return configuration.voters.length > node.settings.maxVoters ? 'TOO_MANY_VOTERS' : undefined;
}
