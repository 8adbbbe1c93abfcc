import { type Configuration, isJoint } from './configuration';
import type { NodeId } from './node-id';

/** The result of counting votes. */
export type VoteResult = 'won' | 'lost' | 'pending';

/**
 * The highest index that a majority of the voters has acknowledged. An empty group has no objections: it commits everything, so that
 * the outgoing half of a configuration that is not joint never holds anything back.
 */
export function majorityIndex(voters: readonly NodeId[], acknowledged: (voter: NodeId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const indexes = voters.map(acknowledged).sort((a, b) => b - a);
  // Sorted from the highest: a majority has at least the index in the middle.
  return indexes[voters.length >> 1]!;
}

/** The highest index that is acknowledged by a majority of each half of the configuration. */
export function committedIndex(configuration: Configuration, acknowledged: (voter: NodeId) => number): number {
  const incoming = majorityIndex(configuration.voters, acknowledged);
  return isJoint(configuration) ? Math.min(incoming, majorityIndex(configuration.outgoing, acknowledged)) : incoming;
}

/** Whether a majority of the voters said yes, can no longer say yes, or may still do so. An empty group always says yes. */
export function majorityVote(voters: readonly NodeId[], voteOf: (voter: NodeId) => boolean | undefined): VoteResult {
  if (voters.length === 0) return 'won';
  const needed = (voters.length >> 1) + 1;
  let [granted, missing] = [0, 0];
  for (const voter of voters) {
    const vote = voteOf(voter);
    if (vote === true) granted += 1;
    if (vote === undefined) missing += 1;
  }
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}

/** The result of a vote in the configuration: each half must win, and one lost half loses it. */
export function voteResult(configuration: Configuration, voteOf: (voter: NodeId) => boolean | undefined): VoteResult {
  const halves = [majorityVote(configuration.voters, voteOf), majorityVote(configuration.outgoing, voteOf)];
  if (halves.includes('lost')) return 'lost';
  return halves.includes('pending') ? 'pending' : 'won';
}
