import type { ClusterMembership } from './cluster-membership';
import type { Command, Outcome } from './command';

/** One run of one node: the node, and how often it was started. The number of a frame is unique within it. */
export interface Incarnation {
  /** The id of the node in the consensus: a safe integer from 1. No two nodes have the same. */
  readonly node: number;
  /** 1 for the first start of the node. */
  readonly start: number;
}

/** The commands that a node has proposed together. They are one entry of the log, and are applied in one transaction. */
export interface Frame {
  /** 32 hexadecimal digits. */
  readonly cluster: string;
  readonly incarnation: Incarnation;
  /** 1 for the first frame of the incarnation, then without gaps. */
  readonly number: number;
  readonly commands: readonly Command[];
}

/** An entry of a log that several peers apply. */
export interface LogEntry {
  /** 1 for the first entry of the log, then without gaps. */
  readonly index: number;
  /** The term of the leader that added the entry. It never falls. */
  readonly term: number;
  /** Absent for an entry that only the log itself needs, such as the first of a new leader. */
  readonly frame?: Frame;
  /** The members of the cluster from this entry on. Absent unless the entry changes them. */
  readonly membership?: ClusterMembership;
}

/**
 * What became of an entry. 'applied': its commands were applied or refused. 'empty': it has no frame. 'repeated': its frame is in the log
 * before it. 'gap': a frame of the same incarnation is missing before it, so that its origin must send the frames from `expected` on again.
 * 'ended': its origin was started again since then, and nobody waits for it.
 */
export type EntryResult =
  | { readonly type: 'applied'; readonly outcomes: readonly Outcome[] }
  | { readonly type: 'gap'; readonly expected: number }
  | { readonly type: 'empty' | 'repeated' | 'ended' };

/** How far a peer has applied the log, and what it got. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
  /** A hash of everything that was applied up to here. Peers at the same index have the same, unless one of them went wrong. */
  readonly digest: string;
}
