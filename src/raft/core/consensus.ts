import { Generator } from './generator';
import { HeldLease } from './held-lease';
import { invariant } from './invariants';
import { LeaseLedger } from './lease-ledger';
import { LogView } from './log-view';
import { MembershipHistory } from './membership-history';
import type { HardState, PeerMessage } from './messages';
import { type NodeId, noNode } from './node-id';
import type { RaftSettings } from './options';
import { Peers } from './peers';
import { PendingBarriers } from './pending-barriers';
import { ReadRounds } from './read-rounds';
import type { BarrierState, ReadState, Role } from './ready';

/**
 * The state of one node, and the steps from role to role. What a role does with time and with messages is in the files beside this one;
 * they are functions of this state, so that each can be read alone.
 */
export class Consensus {
  readonly settings: RaftSettings;
  readonly id: NodeId;
  readonly log: LogView;
  readonly peers: Peers;
  readonly memberships: MembershipHistory;
  readonly reads = new ReadRounds();
  readonly barriers = new PendingBarriers();
  /** This node's own read lease, and those that it gives while it leads. Undefined if the cluster has none. */
  readonly leases: { readonly held: HeldLease; readonly given: LeaseLedger; now(): number } | undefined;

  term = 0;
  vote: NodeId = noNode;
  role: Role = 'follower';
  leader: NodeId = noNode;
  // Stays when the leader is forgotten: a term has one leader, whether or not this node follows it.
  #leaderOfTerm: NodeId = noNode;

  /** The member that a leader is handing its office to. Meanwhile it takes no proposals. */
  transferTarget: NodeId = noNode;
  /** The last entry that may hold a change of the members which is not applied yet. A leader adds no other one before it is. */
  pendingChangeIndex = 0;
  uncommittedBytes = 0;

  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeout = 0;
  /** How long the leader's own log waits for its storage, and where. */
  stalledTicks = 0;
  stalledOffset = 0;
  readonly #generator: Generator;

  /** Messages that may leave at once. */
  messages: PeerMessage[] = [];
  /** Messages that say that something is durable here. Those to this node itself count its own vote or append. */
  messagesAfterSync: PeerMessage[] = [];
  readStates: ReadState[] = [];
  barrierStates: BarrierState[] = [];

  constructor(settings: RaftSettings) {
    const { hardState, membership } = settings.storage.initialState();
    this.settings = settings;
    this.id = settings.id;
    this.log = new LogView(settings.storage, settings.maxApplyingBytes);
    this.peers = new Peers(settings);
    this.memberships = new MembershipHistory(membership);
    const { readLease } = settings;
    this.leases = readLease && {
      held: new HeldLease(readLease),
      given: new LeaseLedger(readLease),
      now: readLease.now,
    };
    this.#generator = new Generator(settings.seed);
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.log.commitTo(hardState.commit);
    const applied = settings.applied ?? Math.max(membership.index, this.log.applied);
    // The state machine may be ahead of the commit index that survived. What it holds was committed.
    this.log.commitTo(applied);
    this.log.appliedTo(applied, 0);
    this.peers.configure(membership.configuration, this.log.lastIndex);
    this.becomeFollower(this.term, noNode);
  }

  get hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /** Whether this node may become leader. Until its snapshot is installed it does not even know the members for certain. */
  get isPromotable(): boolean {
    return this.peers.progressOf(this.id) !== undefined && !this.peers.isLearner(this.id) && !this.log.hasSnapshot;
  }

  /** Whether an election must wait because this node heard from a leader lately. */
  get isInLease(): boolean {
    return this.settings.checkQuorum && this.leader !== noNode && this.electionElapsed < this.settings.electionTicks;
  }

  send(message: PeerMessage): void {
    switch (message.kind) {
      // These promise that a term, a vote or entries survive a crash. All other messages promise nothing.
      case 'append-response':
      case 'vote-response':
      case 'pre-vote-response':
        this.messagesAfterSync.push(message);
        break;
      default:
        this.messages.push(message);
    }
  }

  becomeFollower(term: number, leader: NodeId): void {
    this.#reset(term);
    this.role = 'follower';
    if (leader !== noNode) this.follow(leader);
  }

  /** Accepts a node as the leader of this term. */
  follow(leader: NodeId): void {
    invariant(
      this.#leaderOfTerm === noNode || this.#leaderOfTerm === leader,
      'ONE_LEADER_A_TERM',
      () => `In term ${this.term} the node ${leader} leads, but so did the node ${this.#leaderOfTerm}.`,
    );
    this.#leaderOfTerm = leader;
    this.leader = leader;
  }

  /** Asks whether an election can be won. Neither the term nor the vote changes. */
  becomePreCandidate(): void {
    this.peers.resetVotes();
    this.leader = noNode;
    this.role = 'pre-candidate';
  }

  becomeCandidate(): void {
    this.#reset(this.term + 1);
    this.vote = this.id;
    this.role = 'candidate';
  }

  becomeLeader(): void {
    this.#reset(this.term);
    this.role = 'leader';
    this.follow(this.id);
    const own = this.peers.progressOf(this.id)!;
    own.replicate();
    own.isActive = true;
    // The log may end with a change that another leader began. Rather than look, wait until all of it is applied.
    this.pendingChangeIndex = this.log.lastIndex;
    this.leases?.given.lead(this.leases.now(), this.log.lastIndex);
  }

  forgetLeader(): void {
    this.leader = noNode;
  }

  abortTransfer(): void {
    this.transferTarget = noNode;
  }

  #reset(term: number): void {
    if (this.term !== term) {
      invariant(term > this.term, 'HARD_STATE_MONOTONIC', () => `The term would go back from ${this.term} to ${term}.`);
      this.term = term;
      this.vote = noNode;
      this.#leaderOfTerm = noNode;
    }
    this.leader = noNode;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.electionTimeout = this.settings.electionTicks + this.#generator.below(this.settings.electionTicks);
    this.abortTransfer();
    this.peers.resetVotes();
    this.peers.reset(this.id, this.log.lastIndex);
    this.pendingChangeIndex = 0;
    this.uncommittedBytes = 0;
    this.stalledTicks = 0;
    this.reads.reset();
    this.barriers.reset();
  }
}
