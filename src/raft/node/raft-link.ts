import type { ClusterMembership } from '../../domain/cluster-membership';
import type { MemoryError } from '../../domain/errors';
import type { LogPlace } from '../core/entry';
import type { Snapshot } from '../core/messages';
import type { NodeId } from '../core/node-id';
import type { ProposalRefusal } from '../core/proposal';
import type { MemberStatus } from '../core/raft-node';
import type { Role } from '../core/ready';
import type { NodeIdentity, PeerRefusal } from '../transport/raft-transport';

/** A committed entry, as a node hands it to its user. All nodes get the same entries in the same order. */
export interface CommittedEntry extends LogPlace {
  /** What was proposed. Undefined for an entry that only the consensus needs, such as the first of a new leader. */
  readonly data: Uint8Array | undefined;
  /** The members from this entry on, if the entry changes them. It is stored in the same transaction as the position of the entry. */
  readonly membership: ClusterMembership | undefined;
}

/** A change of the members, as an operator asks for it. Each is one entry of the log. */
export type MemberChange =
  /** Adds a node that receives the log and does not vote. Also tells that a member has a new address. */
  | { readonly kind: 'add'; readonly node: NodeId; readonly address: string }
  /** Gives a learner a vote. */
  | { readonly kind: 'promote'; readonly node: NodeId }
  /** Takes the vote of a voter, which goes on as a learner. */
  | { readonly kind: 'demote'; readonly node: NodeId }
  | { readonly kind: 'remove'; readonly node: NodeId };

/** What a node is. `halted`: it has ended by itself, and must be opened again. */
export type NodeRole = Role | 'halted';

/** The state of a node, for people and for tests. */
export interface LinkStatus {
  readonly id: NodeId;
  readonly role: NodeRole;
  /** Why the node has ended by itself. Undefined while it runs. */
  readonly haltReason: string | undefined;
  /** Undefined while no leader is known. */
  readonly leader: NodeId | undefined;
  readonly term: number;
  readonly committed: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly hasReadLease: boolean;
  readonly membership: ClusterMembership;
  /** What a leader knows about the members. Empty on other nodes. */
  readonly members: readonly MemberStatus[];
}

/** What a node calls. It calls nothing from within a call to `RaftLink`, and nothing after `close` or `onHalted`. */
export interface RaftUser {
  /**
   * Applies the next committed entry. The node calls it with one entry after the other. If it throws or rejects, the node halts: no
   * entry is ever skipped.
   */
  apply(entry: CommittedEntry): void | Promise<void>;
  /**
   * Replaces the state by a snapshot of the leader, whose file has arrived and was verified. Resolves when the state is durable and
   * applied up to `snapshot.index`. No entry is applied meanwhile. If it rejects, the node halts. Returns the members that the state
   * now has.
   */
  install(snapshot: Snapshot): Promise<ClusterMembership>;
  /** The answer to `requestRead`. */
  onReadState(context: number, index: number): void;
  /** The answer to `requestBarrier`. */
  onBarrier(context: number): void;
  /** The leader or the own role has changed. `leader` is undefined while none is known. */
  onRole(role: Role, leader: NodeId | undefined): void;
  /** A unit of time has passed: 50 ms by default. */
  onTick(): void;
  /** The node has ended by itself. All of its promises are void. */
  onHalted(reason: MemoryError): void;
  /** A connection to another node was refused. Each reason is told once. */
  onRefused?(refusal: PeerRefusal): void;
  /** Another node has connected. */
  onMet?(peer: NodeIdentity): void;
  /** Another node, or a program that wants to become one, asks something that the node does not answer itself. */
  answer?(from: NodeId | undefined, request: unknown): Promise<unknown>;
}

/** What a log, and a store that is a peer, need of a node. `RaftHost` is the implementation. */
export interface RaftLink {
  readonly id: NodeId;
  /** Begins. The node calls `user` from then on. Called once. */
  start(user: RaftUser): Promise<void>;
  /**
   * Proposes an entry. Undefined if it is on its way: it may get lost all the same, so its proposer sends it again if it is not applied
   * after a while. If it is refused, nothing has left this node.
   */
  propose(data: Uint8Array): ProposalRefusal | undefined;
  /** Asks for the index that a linearizable read must wait for: see `onReadState`. The request or the answer may get lost. */
  requestRead(context: number): void;
  /**
   * Asks to be told when every node that may serve reads by its lease has applied `index`, or has no lease any more: see `onBarrier`.
   * The request or the answer may get lost.
   */
  requestBarrier(context: number, index: number): void;
  /** Whether this node has heard from its leader lately enough to serve a read from its own state. */
  readonly hasReadLease: boolean;
  /**
   * Changes the members, through the leader. Resolves with the members when the leader has applied the change.
   *
   * @throws NO_QUORUM if no leader answers, INVALID_INPUT if the change cannot be made from the present members
   */
  changeMembers(change: MemberChange): Promise<ClusterMembership>;
  /** Hands the leadership over, to this member or to the one that holds most of the log. Resolves when another node leads. */
  transfer(to?: NodeId): Promise<void>;
  status(): LinkStatus;
  /** The status of another member, as it says. */
  statusOf(node: NodeId): Promise<LinkStatus>;
  /** Asks another node something that its `RaftUser.answer` answers. The request and the answer must be JSON. */
  request(to: NodeId | { readonly address: string }, request: unknown): Promise<unknown>;
  /** The size of the log on the disk. */
  readonly logBytes: number;
  /** Keeps a snapshot of the state of this node, whose file is in place, for members that lack purged entries. */
  saveSnapshot(snapshot: Snapshot): Promise<void>;
  /** Drops the entries up to `index`, which a kept snapshot must hold and which the state must have applied durably. */
  purge(index: number): Promise<void>;
  /** Ends the node, because its user has found that it must not go on: see `RaftUser.onHalted`. */
  halt(reason: MemoryError): void;
  /**
   * Ends. A leader hands its office over first, unless `handsOver` is false: then the node ends at once, as if its process had. A second
   * call has no effect.
   */
  close(options?: { readonly handsOver?: boolean }): Promise<void>;
}
