import type { ClusterMembership } from '../domain/cluster-membership';
import { invalidInput, MemoryError } from '../domain/errors';
import type { Incarnation } from '../domain/frame';
import type { AppliedMark, SharedLogLink, SharedLogStart } from '../log/shared-log';
import { configurationOf } from '../raft/core/configuration';
import { noNode } from '../raft/core/node-id';
import type { ProposalRefusal } from '../raft/core/proposal';
import type { HostTiming } from '../raft/node/host-timing';
import type { LinkStatus, MemberChange, RaftUser } from '../raft/node/raft-link';
import { PartAssembly } from './part-assembly';
import { ReaderLeases } from './reader-leases';
import type { StreamBounds, StreamConnection } from './stream-connection';
import { fatal, StreamFeed } from './stream-feed';
import {
  checksumOf,
  decodeMessage,
  encodeMessage,
  type MessageKind,
  partsOf,
  type StreamMessage,
} from './stream-message';
import { StreamPeers } from './stream-peers';

export interface JetStreamLinkOptions extends SharedLogStart {
  readonly connection: StreamConnection;
  readonly stream: string;
  readonly incarnation: Incarnation;
  /** Random bytes in hexadecimal digits: two processes that run from copies of one folder have different ones. */
  readonly nonce: string;
  readonly timing: HostTiming;
  readonly waitMs: number;
}

/** What a message of the kind `start` says. */
interface StartBody {
  readonly nonce: string;
}

const tickMs = 50;
const resendMs = 1_000;
/** How long a lease to read lasts. It bounds how old the state of a store may be that a read sees. */
const leaseMs = 2_000;
const renewAfterMs = leaseMs / 3;
// A store that nobody reads asks for no leases: each is a message in the log.
const idleMs = 2 * leaseMs;
// A disk loses what was deleted without notice, and so does a purge by another store.
const boundsEveryMs = 10_000;
// What the servers lose within this time of a crash may not be noticed by its mark.
const markEveryMs = 1_000;
// The servers are one leader: they put all messages into their order, whatever server leads among them.
const servers = noNode;

/**
 * The node of a store whose log is a stream of JetStream. The servers order and keep the messages; this is one of any number of stores that
 * apply them all. It never guesses: where the stream cannot be the log that it has followed, the store stops.
 */
export class JetStreamLink implements SharedLogLink {
  readonly #options: JetStreamLinkOptions;
  readonly #feed: StreamFeed;
  readonly #parts: PartAssembly;
  readonly #leases: ReaderLeases;
  readonly #peers: StreamPeers;
  #user: RaftUser | undefined;
  #membership: ClusterMembership;
  #applied: number;
  /** The last message that was applied, to find out whether the stream still holds it. */
  #lastApplied: AppliedMark | undefined;
  #kept: AppliedMark | undefined;
  #markedAt = Number.NEGATIVE_INFINITY;
  #bounds: StreamBounds = { first: 1, last: 0, bytes: 0 };
  #boundsAt = Number.NEGATIVE_INFINITY;
  /** Whether the log knows this start of the store, so that it may propose. */
  #hasJoined = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  #isConnected = true;
  #leader: typeof servers | undefined;
  #lastFrame = 0;
  /** Which frames the servers have confirmed, and how often a frame went out again after that. */
  readonly #frames = new WeakMap<Uint8Array, { readonly number: number; sends: number; isStored: boolean }>();
  /** The lease that was asked for last, and when the last one that was granted ends. */
  #asked = { number: 0, at: Number.NEGATIVE_INFINITY };
  #askedAt = new Map<number, number>();
  #leaseUntil = Number.NEGATIVE_INFINITY;
  #readAt = Number.NEGATIVE_INFINITY;
  readonly #barriers = new Map<number, number>();
  readonly #removals = new Map<number, () => void>();
  #cancelTick: (() => void) | undefined;
  #halt: MemoryError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: JetStreamLinkOptions) {
    const { connection, stream, timing, applied, membership, waitMs, incarnation } = options;
    this.#options = options;
    this.#applied = applied;
    this.#membership = membership;
    this.#lastApplied = options.mark;
    this.#parts = new PartAssembly(applied);
    this.#leases = new ReaderLeases({
      durationMs: leaseMs,
      elapsedMs: () => timing.elapsedMs(),
      others: () => membersOf(this.#membership).filter((node) => node !== this.id),
    });
    this.#peers = new StreamPeers({
      connection,
      id: incarnation.node,
      timeoutMs: waitMs,
      applied: () => this.#applied,
      onApplied: (node, index) => {
        this.#leases.applied(node, index);
        this.#passBarriers();
      },
      status: () => this.status(),
      answer: (from, request) => this.#user?.answer?.(from, request) ?? Promise.reject(unknownRequest()),
    });
    this.#feed = new StreamFeed({
      connection,
      stream,
      timing,
      check: () => this.#check(),
      next: () => {
        this.#parts.restart(this.#applied);
        return this.#applied + 1;
      },
      onMessage: (index, bytes) => this.#take(index, bytes),
      onFollowing: () => this.#lead(),
      fail: (error) => this.#fail(error),
    });
  }

  get id(): number {
    return this.#options.incarnation.node;
  }

  get hasReadLease(): boolean {
    const now = this.#now;
    this.#readAt = now;
    if (this.#isHeld(now)) return this.#isRunning;
    this.#askForLease();
    return false;
  }

  async start(user: RaftUser): Promise<void> {
    this.#user = user;
    try {
      await this.#check();
    } catch (error) {
      await this.close({ handsOver: false });
      throw error;
    }
    this.#peers.start();
    void this.#watchConnection();
    this.#feed.start();
    this.#scheduleTick();
    this.#announce();
  }

  propose(data: Uint8Array): ProposalRefusal | undefined {
    if (!this.#isRunning || !this.#isConnected || !this.#hasJoined) return 'NO_LEADER';
    const { node, start } = this.#options.incarnation;
    let frame = this.#frames.get(data);
    if (frame === undefined) {
      frame = { number: ++this.#lastFrame, sends: 1, isStored: false };
      this.#frames.set(data, frame);
    } else if (frame.isStored) {
      // It is in the log, and had to be sent again: the stores have passed over it, because one before it was missing.
      frame.sends++;
      frame.isStored = false;
    }
    const sent = frame;
    // What goes wrong here is sent again, as whatever gets lost.
    this.#publish('frame', data, sent.number, `${node}/${start}/${sent.number}/${sent.sends}`).then(
      () => {
        sent.isStored = true;
      },
      () => undefined,
    );
    return undefined;
  }

  requestRead(context: number): void {
    this.#send('read', context);
  }

  requestBarrier(context: number, index: number): void {
    if (!this.#isRunning) return;
    this.#barriers.set(context, index);
    if (this.#leases.isPassed(index)) queueMicrotask(() => this.#passBarriers());
    else this.#peers.askApplied(index);
  }

  /** Only `remove` can be asked for: a store becomes a member when it is opened, and nobody votes. */
  async changeMembers(change: MemberChange): Promise<ClusterMembership> {
    if (change.kind !== 'remove') {
      const message =
        'the stores on a log of JetStream have no votes. They are members from the time that they are opened.';
      throw invalidInput([{ path: [], message }], 'change of the members');
    }
    const { timing, waitMs } = this.#options;
    const removed = new Promise<boolean>((resolve) => {
      this.#removals.set(change.node, () => resolve(true));
      timing.schedule(waitMs, () => resolve(false));
    });
    this.#send('remove', change.node);
    const isRemoved = await removed;
    this.#removals.delete(change.node);
    if (isRemoved) return this.#membership;
    throw this.#halt ?? new MemoryError('NO_QUORUM', `The servers have not confirmed the change within ${waitMs} ms.`);
  }

  async transfer(): Promise<void> {
    const message = 'the servers of JetStream choose their leader themselves.';
    throw invalidInput([{ path: [], message }], 'transfer');
  }

  status(): LinkStatus {
    const { first, last } = this.#bounds;
    return {
      id: this.id,
      role: this.#halt === undefined ? 'follower' : 'halted',
      haltReason: this.#halt?.message,
      leader: undefined,
      term: 1,
      committed: Math.max(last, this.#applied),
      applied: this.#applied,
      firstIndex: first,
      lastIndex: Math.max(last, this.#applied),
      hasReadLease: this.#isRunning && this.#isHeld(this.#now),
      membership: this.#membership,
      members: [],
    };
  }

  statusOf(node: number): Promise<LinkStatus> {
    return this.#peers.request(node, { ask: 'status' }) as Promise<LinkStatus>;
  }

  async request(to: number | { readonly address: string }, request: unknown): Promise<unknown> {
    if (typeof to !== 'number') throw unknownRequest();
    return this.#peers.request(to, { ask: 'user', request });
  }

  halt(reason: MemoryError): void {
    this.#fail(reason);
  }

  close({ handsOver = true }: { readonly handsOver?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#end(handsOver && this.#isRunning && this.#isConnected);
    return this.#closing;
  }

  get #now(): number {
    return this.#options.timing.elapsedMs();
  }

  get #isRunning(): boolean {
    return this.#user !== undefined && this.#closing === undefined && this.#halt === undefined;
  }

  #isHeld(now: number): boolean {
    return now < this.#leaseUntil;
  }

  // What is sent.

  /** Sends a message that its sender sends again if it gets lost. */
  #send(kind: Exclude<MessageKind, 'found' | 'frame'>, number: number, body: object = {}): void {
    if (!this.#isRunning || !this.#isConnected) return;
    this.#publish(kind, Buffer.from(JSON.stringify(body)), number).catch(() => undefined);
  }

  async #publish(kind: MessageKind, body: Uint8Array, number: number, id?: string): Promise<void> {
    const { connection, cluster, incarnation } = this.#options;
    const bodies = partsOf(body);
    const head = { kind, cluster, ...incarnation, number, parts: bodies.length };
    const messages = bodies.map((each, i) => encodeMessage({ ...head, part: i + 1, body: each }));
    if (messages.length === 1) await connection.publish(messages[0] as Uint8Array, id);
    else await connection.publishTogether(messages);
  }

  /** Tells the log that this store has started. */
  #announce(): void {
    this.#startedAt = this.#now;
    const body: StartBody = { nonce: this.#options.nonce };
    this.#send('start', 1, body);
  }

  #askForLease(): void {
    const now = this.#now;
    // A lease that was asked for and did not come is asked for again.
    if (!this.#isRunning || now - this.#asked.at < renewAfterMs / 2) return;
    this.#asked = { number: this.#asked.number + 1, at: now };
    this.#askedAt.set(this.#asked.number, now);
    this.#send('lease', this.#asked.number, { ms: leaseMs });
  }

  // What the stream says.

  /**
   * Checks that the stream is the log that this store has followed.
   *
   * @throws LOG_REGRESSED, CLUSTER_MISMATCH, RECORD_DAMAGED
   */
  async #check(): Promise<void> {
    const { connection, cluster } = this.#options;
    await this.#updateBounds();
    const { first, last } = this.#bounds;
    const known = this.#lastApplied;
    const applied = Math.max(this.#applied, known?.index ?? 0);
    if (last < applied) throw regressed(`it ends at entry ${last}, and this store has applied entry ${applied}`);
    const bytes = await connection.message(first);
    if (bytes !== undefined) assertCluster(decodeMessage(bytes), cluster);
    if (first > this.#applied + 1) throw purgedTooFar(this.#applied + 1, first);
    if (known === undefined || known.index < first) return;
    const same = await connection.message(known.index);
    if (same !== undefined && checksumOf(same) !== known.checksum)
      throw regressed(`its entry ${known.index} is not the one that this store has applied`);
  }

  async #updateBounds(): Promise<void> {
    this.#boundsAt = this.#now;
    this.#bounds = await this.#options.connection.bounds();
  }

  /** Takes a message. Undefined if it is done. */
  #take(index: number, bytes: Uint8Array): Promise<void> | undefined {
    try {
      const message = decodeMessage(bytes);
      assertCluster(message, this.#options.cluster);
      const checksum = checksumOf(bytes);
      const assembled = this.#parts.add(index, message);
      if (assembled === undefined) return undefined;
      const { first, last, body } = assembled;
      const data = message.kind === 'frame' ? body : undefined;
      const membership = this.#changedMembership(first, message);
      const applying = this.#user?.apply({ index: first, term: 1, data, membership });
      const applied = () => this.#appliedAll(first, last, checksum, membership, message);
      if (applying === undefined) return applied();
      return applying.then(applied).catch((error: unknown) => {
        throw fatal(error);
      });
    } catch (error) {
      throw fatal(error);
    }
  }

  /** The first entry of a body was applied. The others are empty. */
  #appliedAll(
    first: number,
    last: number,
    checksum: number,
    membership: ClusterMembership | undefined,
    message: StreamMessage,
  ): Promise<void> | undefined {
    this.#applied = first;
    if (membership !== undefined) this.#membership = membership;
    if (last > first) return this.#appliedEmpty(first + 1, last, checksum, message);
    this.#done(last, checksum, message);
    return undefined;
  }

  async #appliedEmpty(first: number, last: number, checksum: number, message: StreamMessage): Promise<void> {
    for (let index = first; index <= last; index++) {
      await this.#user?.apply({ index, term: 1, data: undefined, membership: undefined });
      this.#applied = index;
    }
    this.#done(last, checksum, message);
  }

  #done(index: number, checksum: number, message: StreamMessage): void {
    this.#applied = index;
    this.#lastApplied = { index, checksum };
    this.#follow(index, message);
    this.#peers.appliedUpTo(index);
  }

  /** What a message means beside its effect on the state. */
  #follow(index: number, { kind, node, start, number, body }: StreamMessage): void {
    const { incarnation } = this.#options;
    const isOwnNode = node === incarnation.node;
    const isOwn = isOwnNode && start === incarnation.start;
    if (kind === 'read' && isOwn) this.#user?.onReadState(number, index);
    if (kind === 'start' && isOwnNode && start >= incarnation.start) this.#started(isOwn, body);
    if (kind === 'lease') this.#lease(isOwn ? number : undefined, node, body);
    if (kind === 'remove') {
      this.#removals.get(number)?.();
      if (number === this.id && this.#hasJoined) throw removedStore();
    }
    this.#passBarriers();
  }

  /** A start of this store is in the log. */
  #started(isOwn: boolean, body: Uint8Array): void {
    const { nonce } = JSON.parse(Buffer.from(body).toString()) as StartBody;
    if (!isOwn || nonce !== this.#options.nonce) throw duplicateStore();
    this.#hasJoined = true;
    this.#lead();
  }

  #lease(ownNumber: number | undefined, node: number, body: Uint8Array): void {
    const { ms } = JSON.parse(Buffer.from(body).toString()) as { readonly ms: number };
    if (ownNumber === undefined) {
      if (node === this.id) return;
      if (ms > 0) this.#leases.granted(node);
      else this.#leases.ended(node);
      return;
    }
    const askedAt = this.#askedAt.get(ownNumber);
    for (const number of this.#askedAt.keys()) if (number <= ownNumber) this.#askedAt.delete(number);
    if (askedAt !== undefined && ms > 0) this.#leaseUntil = Math.max(this.#leaseUntil, askedAt + leaseMs);
  }

  #changedMembership(index: number, { kind, node, number }: StreamMessage): ClusterMembership | undefined {
    const { addresses } = this.#membership;
    if (kind === 'start') {
      if (addresses[node] !== undefined) return undefined;
      return membershipOf(index, { ...addresses, [node]: `node-${node}` });
    }
    if (kind !== 'remove' || addresses[number] === undefined) return undefined;
    const { [number]: _, ...others } = addresses;
    return membershipOf(index, others);
  }

  #passBarriers(): void {
    for (const [context, index] of this.#barriers) {
      if (!this.#isRunning || !this.#leases.isPassed(index)) continue;
      this.#barriers.delete(context);
      this.#user?.onBarrier(context);
    }
  }

  // The loop.

  async #watchConnection(): Promise<void> {
    for await (const { type } of this.#options.connection.nats.status()) {
      if (type === 'disconnect') this.#isConnected = false;
      // What was on its way may be lost, and the stream may not be the same any more.
      if (type === 'reconnect') {
        this.#isConnected = true;
        this.#feed.renew();
      }
      this.#lead();
    }
  }

  /** Tells the user whether it can propose. */
  #lead(): void {
    if (!this.#isRunning) return;
    const leader = this.#isConnected && this.#hasJoined ? servers : undefined;
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#user?.onRole('follower', leader);
  }

  #scheduleTick(): void {
    this.#cancelTick = this.#options.timing.schedule(tickMs, () => {
      this.#scheduleTick();
      if (this.#isRunning) this.#tick();
    });
  }

  #tick(): void {
    const now = this.#now;
    if (!this.#hasJoined && now - this.#startedAt >= resendMs) this.#announce();
    if (now - this.#readAt < idleMs && now > this.#leaseUntil - leaseMs + renewAfterMs) this.#askForLease();
    if (this.#isConnected && now - this.#boundsAt >= boundsEveryMs) this.#updateBounds().catch(() => undefined);
    if (now - this.#markedAt >= markEveryMs) this.#keepMark();
    this.#passBarriers();
    this.#user?.onTick();
  }

  #keepMark(): void {
    if (this.#lastApplied === undefined || this.#lastApplied === this.#kept) return;
    this.#markedAt = this.#now;
    this.#kept = this.#lastApplied;
    this.#options.keepMark(this.#lastApplied);
  }

  // The end.

  #fail(error: MemoryError): void {
    if (!this.#isRunning) return;
    this.#halt = error;
    this.#closing = this.#end(false);
    queueMicrotask(() => this.#user?.onHalted(error));
  }

  async #end(endsLease: boolean): Promise<void> {
    const { connection } = this.#options;
    this.#cancelTick?.();
    // Otherwise barriers of other stores would wait for the end of a lease that nobody uses.
    if (endsLease && this.#isHeld(this.#now)) {
      this.#leaseUntil = Number.NEGATIVE_INFINITY;
      await this.#publish('lease', Buffer.from(JSON.stringify({ ms: 0 })), this.#asked.number + 1).catch(
        () => undefined,
      );
    }
    await this.#feed.close();
    this.#keepMark();
    await connection.close();
  }
}

function membersOf({ addresses }: ClusterMembership): readonly number[] {
  return Object.keys(addresses).map(Number);
}

function membershipOf(index: number, addresses: ClusterMembership['addresses']): ClusterMembership {
  return { index, configuration: configurationOf([], Object.keys(addresses).map(Number)), addresses };
}

/** @throws CLUSTER_MISMATCH */
function assertCluster({ cluster }: StreamMessage, own: string): void {
  if (cluster === own) return;
  const message = `The stream holds the log ${cluster}, and this store belongs to the log ${own}. The stream was deleted and made again, or the folder belongs to another stream. Open the store with the stream of its log, or begin with an empty folder.`;
  throw new MemoryError('CLUSTER_MISMATCH', message);
}

function regressed(reason: string): MemoryError {
  const message = `The stream has lost entries that were acknowledged: ${reason}. The store stops, so that no two stores hold different memories. Keep the folder, and find out what happened to the stream.`;
  return new MemoryError('LOG_REGRESSED', message);
}

function purgedTooFar(next: number, first: number): MemoryError {
  const message = `The stream begins at entry ${first}, and this store needs entry ${next} next. Restore the stream from a backup of the servers, or make the folder a store of its own with \`multi-agent-memory cluster leave\`.`;
  return new MemoryError('LOG_REGRESSED', message);
}

function duplicateStore(): MemoryError {
  const message =
    'Another process has been started from a copy of the folder of this store. Run only one of them, and empty the other folder.';
  return new MemoryError('NODE_DUPLICATE', message);
}

function removedStore(): MemoryError {
  return new MemoryError(
    'NODE_REMOVED',
    'This store was removed from its log. If it is opened again, it becomes a member again.',
  );
}

function unknownRequest(): MemoryError {
  return invalidInput([{ path: [], message: 'the store does not know this request.' }], 'request');
}
