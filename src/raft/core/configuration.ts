import type { NodeId } from './node-id';

/**
 * The members of a cluster. All lists are sorted and hold each id once.
 *
 * While a change of several voters is under way the configuration is joint: `outgoing` holds the voters from before, and every
 * decision needs a majority of `voters` and a majority of `outgoing`. Outside of a change `outgoing` is empty.
 */
export interface Configuration {
  readonly voters: readonly NodeId[];
  /** The voters from before the change. Empty unless the configuration is joint. */
  readonly outgoing: readonly NodeId[];
  /** Nodes that receive the log, and neither vote nor count. */
  readonly learners: readonly NodeId[];
  /** Voters of `outgoing` that become learners when the joint configuration is left: a node is never voter and learner at once. */
  readonly learnersNext: readonly NodeId[];
  /** Whether the leader leaves the joint configuration by itself as soon as it has applied the entry that began it. */
  readonly autoLeave: boolean;
}

/** A configuration with the index of the entry that made it. It holds from there until the next entry that changes it. */
export interface Membership {
  readonly index: number;
  readonly configuration: Configuration;
}

/** The configuration of a node that belongs to no cluster yet. */
export const noMembers: Configuration = { voters: [], outgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** A configuration of voters and learners that is not joint. */
export function configurationOf(voters: readonly NodeId[], learners: readonly NodeId[] = []): Configuration {
  return { ...noMembers, voters: sortedIds(voters), learners: sortedIds(learners) };
}

/** Whether a change of voters is under way. */
export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoing.length > 0;
}

/** Whether the node has a vote, in either half of a joint configuration. */
export function isVoter(configuration: Configuration, node: NodeId): boolean {
  return configuration.voters.includes(node) || configuration.outgoing.includes(node);
}

/** Whether the node is a member of any kind. */
export function isMember(configuration: Configuration, node: NodeId): boolean {
  return isVoter(configuration, node) || configuration.learners.includes(node);
}

/** Everybody who votes, sorted. */
export function votersOf(configuration: Configuration): readonly NodeId[] {
  if (!isJoint(configuration)) return configuration.voters;
  return sortedIds([...configuration.voters, ...configuration.outgoing]);
}

/** Everybody who receives the log, sorted. */
export function membersOf(configuration: Configuration): readonly NodeId[] {
  return sortedIds([...configuration.voters, ...configuration.outgoing, ...configuration.learners]);
}

/** Whether two configurations have the same members in the same roles. */
export function equalConfigurations(a: Configuration, b: Configuration): boolean {
  return (
    a.autoLeave === b.autoLeave &&
    equalIds(a.voters, b.voters) &&
    equalIds(a.outgoing, b.outgoing) &&
    equalIds(a.learners, b.learners) &&
    equalIds(a.learnersNext, b.learnersNext)
  );
}

/** The ids in ascending order, each once. Every list of ids in the core is made here, so that no result depends on the order of calls. */
export function sortedIds(ids: Iterable<NodeId>): readonly NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

function equalIds(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}
