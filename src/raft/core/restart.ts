import type { Consensus } from './consensus';
import { invariant } from './invariants';

/**
 * Compares the membership and the commit index of a node that starts with its log.
 *
 * The membership must be the one of the applied index: with a change in between, this node would ask other nodes for votes than
 * everybody else. The commit index may lag behind, because it is not synced by itself; but a log with two changes of the members proves
 * that the first one was committed, because its leader had applied it before it began the second. Without this, a node that lost the
 * commit index could ask the voters from two changes ago, who need not overlap with those of today.
 */
export function checkRestart(node: Consensus): void {
  const { log, memberships } = node;
  const { index } = memberships.latest;
  invariant(index <= log.applied, 'MEMBERSHIP_STALE', () => {
    return `The stored membership is that of ${index}, but the state machine holds only ${log.applied}.`;
  });
  const changes = changesBetween(node, index, log.lastIndex);
  const missed = changes.find((change) => change <= log.applied);
  invariant(missed === undefined, 'MEMBERSHIP_STALE', () => {
    return `The stored membership is that of ${index}, but the change at ${missed} is applied as well.`;
  });
  const provenCommit = node.settings.checkChanges ? changes.at(-2) : undefined;
  if (provenCommit !== undefined) log.commitTo(provenCommit);
}

function changesBetween(node: Consensus, after: number, last: number): readonly number[] {
  const { log, settings } = node;
  const changes: number[] = [];
  for (let low = Math.max(after + 1, log.firstIndex); low <= last; ) {
    const entries = log.slice(low, last + 1, settings.maxMessageBytes) ?? [];
    if (entries.length === 0) break;
    for (const { kind, index } of entries) if (kind === 'configuration') changes.push(index);
    low += entries.length;
  }
  return changes;
}
