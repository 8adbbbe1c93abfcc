import { commitAcknowledged } from './commit';
import type { Configuration } from './configuration';
import { changedConfiguration } from './configuration-change';
import type { Consensus } from './consensus';
import type { Entry } from './entry';
import { invariant } from './invariants';
import type { Snapshot } from './messages';
import { noNode } from './node-id';
import { sendAppend } from './replication';

/** Applies a committed change. Answers the configuration that holds from its index on. */
export function applyChange(node: Consensus, entry: Entry): Configuration {
  invariant(
    entry.kind === 'configuration' && entry.index > node.log.applied && entry.index <= node.log.committed,
    'CALL_ORDER',
    () =>
      `The entry ${entry.index} is no change to apply now: ${node.log.applied} is applied, ${node.log.committed} committed.`,
  );
  const { latest } = node.memberships;
  // A snapshot that waits to be installed says already who the members are, from its index on.
  const isOvertaken = entry.index <= latest.index;
  if (entry.index === latest.index) return latest.configuration;
  const before = node.memberships.at(entry.index) ?? node.peers.configuration;
  const { configuration } = changedConfiguration(before, entry.change);
  // A leader proposes no change that cannot be made. If there is one all the same, every node refuses it here in the same way.
  if (configuration === undefined) return before;
  node.memberships.add(entry.index, configuration);
  if (!isOvertaken) switchTo(node, configuration);
  return configuration;
}

/**
 * Replaces the log by a snapshot of the leader. False if the log holds as much already. The snapshot may be older than the entry that
 * added this node: it then does not name this node, which starts no election until the entry arrives.
 */
export function restoreSnapshot(node: Consensus, snapshot: Snapshot): boolean {
  const { index, configuration } = snapshot;
  if (index <= node.log.committed) return false;
  if (node.log.matches(snapshot)) {
    // Nothing is missing: the snapshot only says that everything up to it is committed.
    node.log.commitTo(index);
    return false;
  }
  node.log.restore(snapshot);
  node.memberships.add(index, configuration);
  node.peers.configure(configuration, index);
  node.peers.reset(node.id, index);
  return true;
}

function switchTo(node: Consensus, configuration: Configuration): void {
  node.peers.configure(configuration, node.log.lastIndex);
  if (node.role !== 'leader') return;
  if (node.peers.progressOf(node.id) === undefined || node.peers.isLearner(node.id)) {
    // Whoever does not vote may not lead either. The change is committed, so the others can elect a leader without this node.
    if (node.settings.stepDownOnRemoval) node.becomeFollower(node.term, noNode);
    return;
  }
  // With fewer voters, entries may be committed that were not before. Otherwise new members get what they lack at once.
  if (!commitAcknowledged(node)) for (const id of node.peers.ids) if (id !== node.id) sendAppend(node, id, false);
  if (node.transferTarget !== noNode && !node.peers.isVoter(node.transferTarget)) node.abortTransfer();
}
