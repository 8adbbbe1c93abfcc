import type { Configuration, Membership } from './configuration';
import type { ConfigurationChange } from './configuration-change';
import { Consensus } from './consensus';
import { startElection } from './election';
import type { Entry, LogPlace, Proposed } from './entry';
import { isCounter } from './invariants';
import { memberUnreachable, snapshotSent, tickLeader } from './leader';
import { applyChange } from './membership';
import { isWellFormed } from './message-check';
import { type HardState, isPeerResponse, type Message } from './messages';
import { type NodeId, noNode } from './node-id';
import { type RaftOptions, settingsOf } from './options';
import type { ProgressState } from './progress';
import type { ChangeObstacle, ProposalOutcome, ProposalRefusal } from './proposal';
import type { Ready, Role } from './ready';
import { ReadyQueue } from './ready-queue';
import { checkRestart } from './restart';
import { receive } from './step';

/**
 * What became of a message.
 *
 * - `taken` The node has dealt with it, which may mean that it was old and is ignored.
 * - `unknown-peer` The sender answers something, but is not a member, for example because it was removed.
 * - `proposal-refused` A forwarded proposal was not taken. Its proposer notices by a time-out.
 * - `malformed` No node can have sent this. It was ignored; the connection should be closed.
 */
export type StepResult = 'taken' | 'unknown-peer' | 'proposal-refused' | 'malformed';

/** What became of a proposed change of the members. */
export type ChangeOutcome =
  | { readonly isAccepted: true; readonly place?: LogPlace }
  | { readonly isAccepted: false; readonly refusal: ProposalRefusal | ChangeObstacle };

/** What a leader knows about a member. */
export interface MemberStatus {
  readonly id: NodeId;
  readonly isLearner: boolean;
  readonly state: ProgressState;
  /** The highest index that is durable on the member. */
  readonly match: number;
  readonly next: number;
  /** Whether it has answered within the last election time-out. */
  readonly isActive: boolean;
  /** Whether the leader waits for it before it sends more. */
  readonly isWaiting: boolean;
  readonly pendingSnapshot: number;
  readonly inflightMessages: number;
  readonly isInflightFull: boolean;
  /** What it has applied, as it said last in this term. Known only with read leases; 0 if it has said nothing. */
  readonly applied: number;
  /** Whether it may hold a read lease. */
  readonly mayHoldLease: boolean;
}

/** The state of a node, for people and for tests. */
export interface NodeStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly leader: NodeId;
  readonly hardState: HardState;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly membership: Membership;
  readonly transferTarget: NodeId;
  readonly electionElapsed: number;
  /** All members, sorted by id. Empty unless this node leads. */
  readonly members: readonly MemberStatus[];
}

/**
 * One node of a Raft cluster, without clock, disk and network: the host calls it, and does what `ready()` says.
 *
 * ```
 * const node = new RaftNode({ id, storage, seed });
 * // The loop of the host, in synchronous mode:
 * timer:            node.tick()
 * message arrives:  node.step(message)
 * caller proposes:  node.propose([data])
 * after each:       while (node.hasReady) {
 *                     const ready = node.ready();
 *                     network.send(ready.messages);
 *                     disk.store(ready.snapshot, ready.entries, ready.hardState);   // in this order; durable, if ready.mustSync
 *                     network.send(ready.messagesAfterSync);
 *                     for (const entry of ready.committed) {
 *                       if (entry.kind === 'configuration') membership = { index: entry.index, configuration: node.applyConfigurationChange(entry) };
 *                       else machine.apply(entry);
 *                     }
 *                     node.advance();
 *                   }
 * ```
 *
 * What the host owes the node:
 * - Everything is called from one thread, and never from within another call.
 * - A sync covers everything handed out before, also a commit index that an earlier `Ready` did not ask to sync. If the hard state is in
 *   a file of its own, that file is synced with the entries.
 * - The membership is stored together with the applied index that it belongs to, and goes into each snapshot of that index.
 * - A member that was removed is switched off only when a majority of those who stay has applied its removal. Until then the others may
 *   need it to learn that it may go.
 * - A snapshot that was sent is reported with `reportSnapshot`, or the member gets nothing more until it was silent for an election
 *   time-out.
 * - The contexts of reads and barriers are other numbers than those of earlier starts of the node: an answer to one may still come.
 * - A read or a barrier that gets no answer, for example because the leader changed, is asked for again.
 * - After an `InvariantViolation` the node is not used any more.
 */
export class RaftNode {
  readonly #consensus: Consensus;
  readonly #queue: ReadyQueue;

  /** @throws RangeError if options are wrong, InvariantViolation if what the storage holds contradicts itself. */
  constructor(options: RaftOptions) {
    this.#consensus = new Consensus(settingsOf(options));
    checkRestart(this.#consensus);
    this.#queue = new ReadyQueue(this.#consensus);
  }

  get id(): NodeId {
    return this.#consensus.id;
  }

  /** One unit of time has passed. */
  tick(): void {
    const node = this.#consensus;
    if (node.role === 'leader') {
      tickLeader(node);
      return;
    }
    node.electionElapsed += 1;
    if (!node.isPromotable || node.electionElapsed < node.electionTimeout) return;
    node.electionElapsed = 0;
    startElection(node, 'timeout');
  }

  /** Takes a message from a peer or from the node's own storage. */
  step(message: Message): StepResult {
    if (!isWellFormed(message)) return 'malformed';
    const node = this.#consensus;
    if (isPeerResponse(message) && node.peers.progressOf(message.from) === undefined) return 'unknown-peer';
    const outcome = receive(node, message);
    return outcome?.isAccepted === false ? 'proposal-refused' : 'taken';
  }

  /** Proposes entries, which stand next to each other in the log if they get into it. A follower sends them on to its leader. */
  propose(data: readonly Uint8Array[]): ProposalOutcome {
    if (data.length === 0) throw new RangeError('A proposal needs at least one entry.');
    return this.#propose(data.map((bytes) => ({ kind: 'normal', data: bytes })));
  }

  /**
   * Proposes a change of the members. At the leader it is refused while another change is not applied yet, and if it cannot be made
   * from the present configuration; the log then gets an empty entry in its place.
   */
  proposeConfigurationChange(change: ConfigurationChange): ChangeOutcome {
    const wrong = change.changes.find(({ node }) => !isCounter(node) || node === noNode);
    if (wrong !== undefined) throw new RangeError(`The id of a node must be a safe integer from 1, not ${wrong.node}.`);
    const outcome = this.#propose([{ kind: 'configuration', change }]);
    if (!outcome.isAccepted || outcome.obstacle === undefined) return outcome;
    return { isAccepted: false, refusal: outcome.obstacle };
  }

  /**
   * Applies a committed change of the members. The host calls it for each entry of the kind `configuration` in its order, before
   * `advance()`. Answers the configuration that holds from the index of the entry on.
   */
  applyConfigurationChange(entry: Entry): Configuration {
    return applyChange(this.#consensus, entry);
  }

  /** Asks for an index to read at. It comes in a later `Ready` with the same `context`, a safe integer that the host chooses. */
  requestReadIndex(context: number): void {
    const { id } = this;
    receive(this.#consensus, { kind: 'read-index', from: id, to: id, term: 0, context });
  }

  /**
   * Whether this node may serve a read from what it has applied, without asking anybody. Every index whose barrier was settled before is
   * applied here then, and the state is older than the cluster's by at most `readLease.ms` and `readLease.maxLagMs` together.
   */
  get hasReadLease(): boolean {
    const { leases } = this.#consensus;
    return leases?.held.isHeld(leases.now()) ?? false;
  }

  /**
   * Asks for word that no member can serve a read from a state before `index` any more: each one that may hold a read lease has applied it.
   * The node that asks has applied the entry itself. The answer comes in a later `Ready` with the same `context`, a safe integer that the
   * host chooses. It may be lost with a leader: ask again then. A new leader first waits until the leases of the one before have run out.
   */
  requestBarrier(context: number, index: number): void {
    if (!isCounter(index)) throw new RangeError(`The index of a barrier must be a safe integer from 0, not ${index}.`);
    const { id } = this;
    receive(this.#consensus, { kind: 'barrier', from: id, to: id, term: 0, context, index });
  }

  /** Asks the leader to hand its office to a voter. Whether it does shows in the soft state. */
  transferLeadership(target: NodeId): void {
    const { id } = this;
    receive(this.#consensus, { kind: 'transfer-request', from: id, to: id, term: 0, target });
  }

  /** Starts an election at once. False if this node leads already or may not lead. */
  campaign(): boolean {
    return startElection(this.#consensus, 'timeout');
  }

  /**
   * Makes a follower forget its leader, so that it does not stand in the way of another election. It keeps its term, its vote and its
   * election time-out. False with `reads: 'lease'`, where the leader relies on its followers.
   */
  forgetLeader(): boolean {
    const node = this.#consensus;
    if (node.settings.reads === 'lease') return false;
    if (node.role === 'follower') node.forgetLeader();
    return true;
  }

  /** The transport could not deliver something to a member. */
  reportUnreachable(id: NodeId): void {
    if (this.#consensus.role === 'leader') memberUnreachable(this.#consensus, id);
  }

  /** The sending of a snapshot to a member has ended. */
  reportSnapshot(id: NodeId, isDelivered: boolean): void {
    if (this.#consensus.role === 'leader') snapshotSent(this.#consensus, id, isDelivered);
  }

  /** Whether `ready()` has something to do. */
  get hasReady(): boolean {
    return this.#queue.hasReady;
  }

  /** Hands out what is to be done. In synchronous mode `advance()` must follow before the next call. */
  ready(): Ready {
    return this.#queue.take();
  }

  /** Synchronous mode: everything of the last `ready()` is done. */
  advance(): void {
    for (const message of this.#queue.takeAnswers()) receive(this.#consensus, message);
  }

  /** Sets the present election time-out, which is otherwise chosen by the seed. For tests that play a certain course. */
  setElectionTimeout(ticks: number): void {
    this.#consensus.electionTimeout = ticks;
  }

  status(): NodeStatus {
    const { id, role, leader, hardState, log, memberships, transferTarget, electionElapsed } = this.#consensus;
    return {
      id,
      role,
      leader,
      hardState,
      applied: log.applied,
      firstIndex: log.firstIndex,
      lastIndex: log.lastIndex,
      membership: memberships.latest,
      transferTarget,
      electionElapsed,
      members: role === 'leader' ? this.#consensus.peers.ids.map((member) => this.#memberStatus(member)) : [],
    };
  }

  #propose(entries: readonly Proposed[]): ProposalOutcome {
    const { id } = this;
    const outcome = receive(this.#consensus, { kind: 'propose', from: id, to: id, term: 0, entries });
    return outcome ?? { isAccepted: false, refusal: this.#consensus.leader === noNode ? 'NO_LEADER' : 'LEADER_MOVES' };
  }

  #memberStatus(id: NodeId): MemberStatus {
    const progress = this.#consensus.peers.progressOf(id)!;
    const { state, match, next, isActive, mustWait, pendingSnapshot, inflights } = progress;
    return {
      id,
      isLearner: this.#consensus.peers.isLearner(id),
      state,
      match,
      next,
      isActive,
      isWaiting: mustWait,
      pendingSnapshot,
      inflightMessages: inflights.count,
      isInflightFull: inflights.isFull,
      ...this.#leaseStatus(id),
    };
  }

  #leaseStatus(id: NodeId): { applied: number; mayHoldLease: boolean } {
    const { leases, log } = this.#consensus;
    if (id === this.id) return { applied: log.applied, mayHoldLease: this.hasReadLease };
    if (leases === undefined) return { applied: 0, mayHoldLease: false };
    return { applied: leases.given.appliedBy(id), mayHoldLease: leases.given.mayHold(id, leases.now()) };
  }
}
