import type { ClusterMembership } from '../../domain/cluster-membership';
import { MemoryError } from '../../domain/errors';
import { messageOf } from '../../domain/realms';
import type { Entry, LogPlace } from '../core/entry';
import { InvariantViolation } from '../core/invariants';
import type { InstallSnapshot, Message, PeerMessage, Snapshot } from '../core/messages';
import { type NodeId, noNode } from '../core/node-id';
import type { ProposalRefusal } from '../core/proposal';
import { RaftNode } from '../core/raft-node';
import type { Ready } from '../core/ready';
import type { RaftStorage } from '../storage/raft-storage';
import type { NodeAddress, NodeIdentity, RaftTransport, TransportReceiver } from '../transport/raft-transport';
import { Administration, notLeading } from './administration';
import { ApplyQueue } from './apply-queue';
import type { HostTiming } from './host-timing';
import { addressMap, changedMembership } from './member-changes';
import { decodeJson, encodeJson, type NodeRequest, requestOf } from './node-requests';
import type { LinkStatus, MemberChange, RaftLink, RaftUser } from './raft-link';
import { RemovalWatch } from './removal-watch';
import { StorageQueue } from './storage-queue';

/** How a node is set up. */
export interface RaftHostOptions {
  /** Read for each connection: a node learns its cluster only when it joins. */
  readonly identity: NodeIdentity;
  /** Spreads the elections. Any safe integer; another one on each node and start. */
  readonly seed: number;
  /** Opened. The host closes it. */
  readonly storage: RaftStorage;
  /** Not started. The host starts and closes it. */
  readonly transport: RaftTransport;
  /** The last entry that the state holds. */
  readonly applied: LogPlace;
  /** The members as of `applied`. */
  readonly membership: ClusterMembership;
  readonly timing: HostTiming;
  /** Where the file of a snapshot lies, or is to be put when it arrives. */
  snapshotPath(snapshot: Snapshot): string;
  /** Default: 50. Heartbeats leave every 2 ticks, and an election begins after 15 to 30 ticks without one. */
  readonly tickMs?: number;
  /** How long a request of an operator may take. Default: 5,000. */
  readonly requestMs?: number;
}

// A process that stood still does not make up for the ticks that it has missed: an election would begin before it had heard of its leader.
const maxTicksAtOnce = 2;
// The core's default: an election begins after so many ticks without a leader, or up to as many more.
const electionTicks = 15;
// Whether there is room again on the disk is tried so often.
const retryTicks = 10;
// A leader that closes waits so long for another one to take over.
const handOverMs = 1_500;

/**
 * The loop around a node of the consensus: it gives the core time, messages and proposals, and does what the core asks for, with the storage,
 * the transport and the user. Messages leave at once, answers that depend on the storage when it is done, and committed entries are applied
 * beside both.
 *
 * What breaks a promise ends the node, and nothing is tried again: an invariant of the core, a failure of the storage other than a full disk,
 * an entry that cannot be applied. Such a node neither votes nor answers.
 */
export class RaftHost implements RaftLink {
  readonly #options: RaftHostOptions;
  #user: RaftUser | undefined;
  #core: RaftNode | undefined;
  #appends: StorageQueue | undefined;
  #applies: ApplyQueue | undefined;
  #administration: Administration | undefined;
  readonly #removal: RemovalWatch;
  #membership: ClusterMembership;
  /** How to cancel the next tick. */
  #cancelTick: (() => void) | undefined;
  #lastTickMs = 0;
  #ticks = 0;
  /** The ticks since a leader has sent something. */
  #silentTicks = 0;
  #isPumpDue = false;
  #isTransportStarted = false;
  #halt: MemoryError | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: RaftHostOptions) {
    this.#options = options;
    this.#membership = options.membership;
    this.#removal = new RemovalWatch({
      id: options.identity.node,
      membership: () => this.#membership,
      leader: () => this.status().leader,
      statusOf: (node) => this.statusOf(node),
      removed: () => this.#fail(removedNode()),
    });
  }

  get id(): NodeId {
    return this.#options.identity.node;
  }

  get logBytes(): number {
    return this.#options.storage.bytes;
  }

  get hasReadLease(): boolean {
    return this.#isRunning && this.#running.hasReadLease;
  }

  async start(user: RaftUser): Promise<void> {
    const { storage, transport, timing } = this.#options;
    this.#user = user;
    try {
      const applied = await this.#recovered(user);
      this.#assertOpen();
      storage.setMembership(this.#membership);
      this.#create(user, applied);
      await transport.start(this.#receiver);
      this.#isTransportStarted = true;
      this.#assertOpen();
    } catch (error) {
      await this.#end();
      throw error;
    }
    transport.setMembers(addressMap(this.#membership));
    this.#lastTickMs = timing.elapsedMs();
    this.#scheduleTick();
    // Nobody else could lead, so there is nothing to wait for.
    if (this.#isOnlyVoter) this.#call((core) => core.campaign());
    this.#wake();
  }

  propose(data: Uint8Array): ProposalRefusal | undefined {
    if (!this.#isRunning) return 'NO_LEADER';
    const outcome = this.#guarded(() => this.#running.propose([data]));
    this.#wake();
    return outcome === undefined || outcome.isAccepted ? undefined : outcome.refusal;
  }

  requestRead(context: number): void {
    this.#call((core) => core.requestReadIndex(context));
  }

  requestBarrier(context: number, index: number): void {
    this.#call((core) => core.requestBarrier(context, index));
  }

  async changeMembers(change: MemberChange): Promise<ClusterMembership> {
    return (await this.#askLeader({ ask: 'change', change, isForwarded: true })) as ClusterMembership;
  }

  async transfer(to?: NodeId): Promise<void> {
    await this.#askLeader(to === undefined ? { ask: 'transfer' } : { ask: 'transfer', to });
  }

  status(): LinkStatus {
    const { identity, applied } = this.#options;
    const status = this.#core?.status();
    const isHalted = this.#halt !== undefined || this.#isClosed;
    return {
      id: identity.node,
      role: this.#halt === undefined ? (status?.role ?? 'follower') : 'halted',
      haltReason: this.#halt?.message,
      leader: isHalted || status === undefined || status.leader === noNode ? undefined : status.leader,
      term: status?.hardState.term ?? 0,
      committed: status?.hardState.commit ?? 0,
      applied: this.#applies?.applied ?? applied.index,
      firstIndex: status?.firstIndex ?? 0,
      lastIndex: status?.lastIndex ?? 0,
      hasReadLease: this.hasReadLease,
      membership: this.#membership,
      members: isHalted ? [] : (status?.members ?? []),
    };
  }

  async statusOf(node: NodeId): Promise<LinkStatus> {
    return (await this.#request(node, { ask: 'status' })) as LinkStatus;
  }

  request(to: NodeId | NodeAddress, request: unknown): Promise<unknown> {
    return this.#request(to, { ask: 'user', request });
  }

  async saveSnapshot(snapshot: Snapshot): Promise<void> {
    await this.#stored(() => this.#options.storage.saveSnapshot(snapshot));
  }

  async purge(index: number): Promise<void> {
    await this.#stored(() => this.#options.storage.purge(index));
  }

  halt(reason: MemoryError): void {
    this.#fail(reason);
  }

  close({ handsOver = true }: { readonly handsOver?: boolean } = {}): Promise<void> {
    if (!handsOver && !this.#isClosed) this.#closing = this.#end();
    this.#closing ??= this.#handOverAndEnd();
    return this.#closing;
  }

  get #isRunning(): boolean {
    return this.#core !== undefined && !this.#isClosed && this.#halt === undefined;
  }

  get #running(): RaftNode {
    if (this.#core === undefined) throw new TypeError('The node was not started.');
    return this.#core;
  }

  get #requestMs(): number {
    return this.#options.requestMs ?? 5_000;
  }

  /** It may have been closed while it started. */
  #assertOpen(): void {
    if (this.#isClosed) throw this.#halt ?? closed();
  }

  /** The crash came between a snapshot and the state: the state gets it now. Returns the place that the state holds. */
  async #recovered(user: RaftUser): Promise<number> {
    const { storage, applied } = this.#options;
    const snapshot = storage.snapshot();
    const isBehind = snapshot !== undefined && snapshot.index > applied.index;
    if (isBehind) this.#membership = await user.install(snapshot);
    const index = isBehind ? snapshot.index : applied.index;
    if (index <= storage.lastIndex()) return index;
    const message = `The log of this node ends at entry ${storage.lastIndex()}, but its memories hold everything up to entry ${index}. The folder of the log was lost or replaced by an older copy. Remove the node from the cluster, and let it join again with an empty folder.`;
    throw new MemoryError('LOG_REGRESSED', message);
  }

  #create(user: RaftUser, applied: number): void {
    const { identity, storage, seed, timing } = this.#options;
    const core = new RaftNode({
      id: identity.node,
      storage,
      seed,
      applied,
      asynchronousStorage: true,
      readLease: { now: () => timing.elapsedMs(), start: identity.start },
    });
    this.#core = core;
    const respond = (responses: readonly Message[]) => this.#respond(responses);
    const fail = (error: unknown) => this.#fail(error);
    this.#administration = new Administration({
      core,
      membership: () => this.#membership,
      elapsedMs: () => timing.elapsedMs(),
      wake: () => this.#wake(),
    });
    this.#applies = new ApplyQueue({
      user,
      timing,
      applied,
      changed: (entry) => this.#changed(entry),
      installed: (membership) => this.#setMembership(membership),
      onApplied: (entry) => this.#onApplied(entry),
      respond,
      fail,
    });
    const applies = this.#applies;
    this.#appends = new StorageQueue({
      storage,
      install: (snapshot) => applies.install(snapshot),
      respond,
      fail,
      onDiskFull: () => this.#onDiskFull(),
    });
  }

  // The loop.

  /** Does what the core asks for, after everything that arrives in this moment. */
  #wake(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#guarded(() => this.#pump());
    });
  }

  #pump(): void {
    while (this.#isRunning && this.#running.hasReady) this.#process(this.#running.ready());
  }

  #process(ready: Ready): void {
    const user = this.#user as RaftUser;
    this.#send(ready.messages);
    if (ready.append !== undefined) this.#appends?.add(ready.append);
    if (ready.apply !== undefined) this.#applies?.add(ready.apply);
    for (const { context, index } of ready.readStates) user.onReadState(context, index);
    for (const { context } of ready.barriers) user.onBarrier(context);
    if (ready.softState === undefined) return;
    const { role, leader } = ready.softState;
    user.onRole(role, leader === noNode ? undefined : leader);
    this.#administration?.onChange();
  }

  #send(messages: readonly PeerMessage[]): void {
    const ordinary = messages.filter(({ kind }) => kind !== 'snapshot');
    if (ordinary.length > 0) this.#options.transport.send(ordinary);
    for (const message of messages)
      if (message.kind === 'snapshot') this.#sendSnapshot(message).catch((error: unknown) => this.#fail(error));
  }

  async #sendSnapshot(message: InstallSnapshot): Promise<void> {
    let isDelivered = false;
    try {
      const path = this.#options.snapshotPath(message.snapshot);
      isDelivered = await this.#options.transport.sendSnapshot(message, path);
    } finally {
      // The core sends nothing else to the member until it knows. A snapshot that cannot be sent is asked for again.
      this.#call((core) => core.reportSnapshot(message.to, isDelivered));
    }
  }

  /** Delivers what the storage or the state machine answers: to other nodes, or to the own core. */
  #respond(responses: readonly Message[]): void {
    this.#guarded(() => {
      const { id } = this;
      this.#send(responses.filter(({ to }) => to !== id) as PeerMessage[]);
      for (const response of responses) if (response.to === id) this.#running.step(response);
    });
    this.#wake();
  }

  #scheduleTick(): void {
    const { timing, tickMs = 50 } = this.#options;
    this.#cancelTick = timing.schedule(tickMs, () => {
      const now = timing.elapsedMs();
      // Timers fire late on a busy machine: the ticks keep their pace all the same.
      const due = Math.max(1, Math.floor((now - this.#lastTickMs) / tickMs));
      this.#lastTickMs = due > maxTicksAtOnce ? now : this.#lastTickMs + due * tickMs;
      this.#scheduleTick();
      for (let tick = Math.min(due, maxTicksAtOnce); tick > 0; tick--) this.#tick();
    });
  }

  #tick(): void {
    if (!this.#isRunning) return;
    this.#ticks++;
    this.#appends?.tick();
    this.#silentTicks++;
    // A node whose disk takes nothing could win elections with the votes of the others, and would then commit nothing: it starts none.
    const mayCampaign = this.#appends?.isStuck !== true || this.status().role === 'leader';
    if (mayCampaign) this.#call((core) => core.tick());
    else if (this.#silentTicks >= electionTicks) this.#call((core) => core.forgetLeader());
    if (this.#ticks % retryTicks === 0) this.#appends?.retry();
    this.#administration?.onTick();
    this.#removal.onTick();
    if (this.#isRunning) this.#user?.onTick();
  }

  #onApplied(entry: Entry): void {
    if (entry.kind === 'configuration') this.#options.transport.setMembers(addressMap(this.#membership));
    this.#administration?.onChange();
  }

  /** A leader without room on its disk commits nothing: another one takes over. */
  #onDiskFull(): void {
    if (this.status().role === 'leader') this.transfer().catch(() => undefined);
  }

  #changed(entry: Entry): ClusterMembership {
    const configuration = this.#running.applyConfigurationChange(entry);
    if (entry.kind === 'configuration') this.#membership = changedMembership(this.#membership, entry, configuration);
    return this.#membership;
  }

  #setMembership(membership: ClusterMembership): void {
    this.#membership = membership;
    this.#options.transport.setMembers(addressMap(membership));
  }

  // What other nodes say.

  get #receiver(): TransportReceiver {
    return {
      identity: () => this.#options.identity,
      receive: (message) => {
        if (message.kind === 'heartbeat' || message.kind === 'append') this.#silentTicks = 0;
        this.#call((core) => core.step(message));
      },
      request: (from, body) => this.#answer(from, body),
      snapshotPath: ({ snapshot }) => (this.#isRunning ? this.#options.snapshotPath(snapshot) : undefined),
      receiveSnapshot: async (message) => this.#call((core) => core.step(message)),
      unreachable: (node) => this.#call((core) => core.reportUnreachable(node)),
      refused: (refusal) => this.#user?.onRefused?.(refusal),
      met: (peer) => this.#user?.onMet?.(peer),
    };
  }

  async #answer(from: NodeId | undefined, body: Uint8Array): Promise<Uint8Array> {
    const request = requestOf(decodeJson(body));
    if (request === undefined) throw new MemoryError('INVALID_INPUT', 'The node does not know this request.');
    // A node that is no member yet may ask to become one, and nothing else of the consensus.
    const isMemberCall = request.ask === 'transfer' || (request.ask === 'change' && request.change.kind !== 'add');
    if (from === undefined && isMemberCall)
      throw new MemoryError('FORBIDDEN', 'Only a member of the cluster may ask this.');
    return encodeJson(await this.#answerTo(from, request));
  }

  #answerTo(from: NodeId | undefined, request: NodeRequest): Promise<unknown> {
    switch (request.ask) {
      case 'status':
        return Promise.resolve(this.status());
      case 'user':
        return this.#user?.answer?.(from, request.request) ?? Promise.reject(unknownRequest());
      case 'change':
        return request.isForwarded ? this.#lead(request) : this.changeMembers(request.change);
      case 'transfer':
        return this.#lead(request);
    }
  }

  async #request(to: NodeId | NodeAddress, request: NodeRequest): Promise<unknown> {
    return decodeJson(await this.#options.transport.request(to, encodeJson(request), this.#requestMs));
  }

  /** Asks the leader, whoever that is, until it has answered or the time is over. */
  async #askLeader(request: NodeRequest): Promise<unknown> {
    const { timing, tickMs = 50 } = this.#options;
    const deadline = timing.elapsedMs() + this.#requestMs;
    for (;;) {
      if (!this.#isRunning) throw this.#halt ?? closed();
      const { leader } = this.status();
      try {
        if (leader === undefined) throw notLeading();
        return await (leader === this.id ? this.#lead(request) : this.#request(leader, request));
      } catch (error) {
        if (!isWithoutLeader(error) || timing.elapsedMs() >= deadline) throw error;
      }
      await new Promise<void>((resolve) => void timing.schedule(tickMs, resolve));
    }
  }

  /** Does what only a leader can do. */
  async #lead(request: NodeRequest): Promise<unknown> {
    if (!this.#isRunning) throw this.#halt ?? closed();
    const { timing } = this.#options;
    const administration = this.#administration as Administration;
    const deadline = timing.elapsedMs() + this.#requestMs;
    if (request.ask === 'transfer') return administration.transfer(request.to, deadline);
    if (request.ask !== 'change') throw unknownRequest();
    const { kind, node } = request.change;
    // A leader that loses its vote hands its office over first, and the next leader makes the change.
    if (node === this.id && (kind === 'remove' || kind === 'demote') && this.#hasOtherVoters) {
      await administration.transfer(undefined, deadline);
      return this.#askLeader(request);
    }
    return administration.change(request.change, deadline);
  }

  get #isOnlyVoter(): boolean {
    const { voters, outgoing } = this.#membership.configuration;
    return voters.length === 1 && voters[0] === this.id && outgoing.length === 0;
  }

  get #hasOtherVoters(): boolean {
    return this.#membership.configuration.voters.some((voter) => voter !== this.id);
  }

  // The end.

  async #handOverAndEnd(): Promise<void> {
    const { timing } = this.#options;
    if (this.#isRunning && this.status().role === 'leader' && this.#hasOtherVoters)
      await this.#administration?.transfer(undefined, timing.elapsedMs() + handOverMs).catch(() => undefined);
    await this.#end();
  }

  async #end(): Promise<void> {
    const { storage, transport } = this.#options;
    this.#isClosed = true;
    this.#cancelTick?.();
    this.#appends?.end();
    this.#administration?.end(this.#halt ?? closed());
    if (this.#isTransportStarted) await transport.close().catch(() => undefined);
    await this.#applies?.end();
    await storage.close().catch(() => undefined);
  }

  /** Ends the node by itself. */
  #fail(error: unknown): void {
    if (!this.#isRunning) return;
    const reason = haltOf(error);
    this.#halt = reason;
    // A leader that is closing may wait for its successor here, and no time passes any more.
    this.#administration?.end(reason);
    this.#closing ??= this.#end();
    queueMicrotask(() => this.#user?.onHalted(reason));
  }

  #guarded<T>(run: () => T): T | undefined {
    if (!this.#isRunning) return undefined;
    try {
      return run();
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** Calls the core, and then does what it asks for. */
  #call(run: (core: RaftNode) => unknown): void {
    this.#guarded(() => run(this.#running));
    this.#wake();
  }

  async #stored(store: () => Promise<void> | undefined): Promise<void> {
    if (!this.#isRunning) throw this.#halt ?? closed();
    try {
      await store();
    } catch (error) {
      if (!MemoryError.is(error) || error.code !== 'DISK_FULL') this.#fail(error);
      throw error;
    }
  }
}

function haltOf(error: unknown): MemoryError {
  if (MemoryError.is(error)) return error;
  const isLost = error instanceof InvariantViolation && error.code === 'LOG_LOST';
  return new MemoryError(isLost ? 'LOG_REGRESSED' : 'FILE_FAILED', messageOf(error), { cause: error });
}

function isWithoutLeader(error: unknown): boolean {
  return MemoryError.is(error) && (error.code === 'NO_QUORUM' || error.code === 'STORE_UNREACHABLE');
}

function closed(): MemoryError {
  return new MemoryError('STORE_CLOSED', 'The store is closed. Open it again.');
}

function removedNode(): MemoryError {
  const message = 'This node was removed from its cluster. To join again, open the store with an empty folder.';
  return new MemoryError('NODE_REMOVED', message);
}

function unknownRequest(): MemoryError {
  return new MemoryError('INVALID_INPUT', 'The node does not know this request.');
}
