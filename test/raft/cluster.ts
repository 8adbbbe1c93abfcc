import { configurationOf, noMembers } from '../../src/raft/core/configuration';
import { type Entry, noBytes } from '../../src/raft/core/entry';
import type { PeerMessage, Snapshot } from '../../src/raft/core/messages';
import type { RaftOptions, ReadLeaseOptions } from '../../src/raft/core/options';
import { RaftNode } from '../../src/raft/core/raft-node';
import type { Ready } from '../../src/raft/core/ready';
import { MemoryStorage } from '../../src/raft/storage/memory-storage';

/** A node with its storage and a state machine that keeps what it applied. */
export interface Member {
  readonly id: number;
  node: RaftNode;
  readonly storage: MemoryStorage;
  /** The texts of the applied entries, in order. A snapshot puts in its place what its sender had. */
  applied: string[];
  appliedIndex: number;
  /** The indexes that reads may be served at, by context. */
  readonly reads: Map<number, number>;
  /** The barriers that are settled, by context. */
  readonly barriers: Map<number, number>;
  /** How often the node has started. */
  starts: number;
  /** How far its clock is ahead of that of the cluster. */
  clockAheadMs: number;
}

/** Read leases of the default length. The cluster gives each node its own clock and start. */
export const withLeases: { readonly readLease: ReadLeaseOptions } = { readLease: { now: () => 0, start: 0 } };

/** What happens in a cluster, for those who tell about it. */
export type ClusterEvent =
  | { readonly kind: 'ready'; readonly id: number; readonly ready: Ready }
  | { readonly kind: 'delivered' | 'lost'; readonly message: PeerMessage };

/** Some nodes in one thread, in synchronous mode, with a network that loses nothing unless told to. */
export class Cluster {
  readonly #members = new Map<number, Member>();
  readonly #options: Partial<RaftOptions>;
  #inTransit: PeerMessage[] = [];
  /** Whether a message gets lost. */
  loses: (message: PeerMessage) => boolean = () => false;
  observe: (event: ClusterEvent) => void = () => {};
  /** The time by which read leases are counted. */
  nowMs = 0;

  constructor(voters: readonly number[], options: Partial<RaftOptions> = {}) {
    this.#options = options;
    for (const id of voters) this.add(id, { index: 1, term: 1, configuration: configurationOf(voters), data: noBytes });
  }

  get members(): readonly Member[] {
    return [...this.#members.values()].sort((a, b) => a.id - b.id);
  }

  get inTransit(): readonly PeerMessage[] {
    return this.#inTransit;
  }

  member(id: number): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`There is no node ${id}.`);
    return member;
  }

  node(id: number): RaftNode {
    return this.member(id).node;
  }

  /** Adds a node that starts from a snapshot, or knows nothing yet. */
  add(id: number, snapshot: Snapshot = { index: 0, term: 0, configuration: noMembers, data: noBytes }): void {
    const storage = new MemoryStorage(snapshot);
    const node = new RaftNode({ seed: id, ...this.#optionsOf(id, 1), id, storage });
    const answers = { reads: new Map(), barriers: new Map() };
    const applied = { applied: [], appliedIndex: snapshot.index };
    this.#members.set(id, { id, node, storage, ...applied, ...answers, starts: 1, clockAheadMs: 0 });
  }

  /** Stops a node and starts it again from what it had stored. What was on its way to it is lost. */
  restart(id: number): void {
    const member = this.member(id);
    this.#inTransit = this.#inTransit.filter(({ to }) => to !== id);
    const { storage, appliedIndex: applied } = member;
    member.starts += 1;
    member.node = new RaftNode({ seed: id, ...this.#optionsOf(id, member.starts), id, storage, applied });
  }

  // Each node has a clock and a number of starts of its own.
  #optionsOf(id: number, start: number): Partial<RaftOptions> {
    const { readLease } = this.#options;
    if (readLease === undefined) return this.#options;
    const now = () => this.nowMs + (this.#members.get(id)?.clockAheadMs ?? 0);
    return { ...this.#options, readLease: { ...readLease, start, now } };
  }

  /** Does what one node asks for, once. */
  process(id: number): void {
    const member = this.member(id);
    const ready = member.node.ready();
    this.observe({ kind: 'ready', id, ready });
    this.#inTransit.push(...ready.messages);
    if (ready.snapshot !== undefined) install(member, ready.snapshot);
    if (ready.hardState !== undefined) member.storage.setHardState(ready.hardState);
    member.storage.append(ready.entries);
    this.#inTransit.push(...ready.messagesAfterSync);
    for (const entry of ready.committed) apply(member, entry);
    for (const { context, index } of ready.readStates) member.reads.set(context, index);
    for (const { context, index } of ready.barriers) member.barriers.set(context, index);
    member.node.advance();
  }

  /** Lets all nodes work and talk until nothing is left to do. */
  settle(): void {
    for (let isBusy = true; isBusy; ) {
      const busy = this.members.filter(({ node }) => node.hasReady);
      for (const { id } of busy) this.process(id);
      const delivered = this.deliver();
      isBusy = busy.length > 0 || delivered;
    }
  }

  /** Delivers what is on its way now, by receiver. True if there was something. */
  deliver(): boolean {
    const messages = this.#inTransit;
    this.#inTransit = [];
    const sorted = [...messages].sort((a, b) => a.to - b.to);
    for (const message of sorted) {
      const receiver = this.#members.get(message.to);
      const isLost = receiver === undefined || this.loses(message);
      this.observe({ kind: isLost ? 'lost' : 'delivered', message });
      if (!isLost) receiver.node.step(message);
    }
    return messages.length > 0;
  }

  /** Makes a node leader, as far as the others let it. */
  elect(id: number): void {
    this.node(id).campaign();
    this.settle();
  }

  propose(id: number, ...texts: readonly string[]): void {
    this.node(id).propose(texts.map((text) => new TextEncoder().encode(text)));
    this.settle();
  }

  tick(id: number, ticks = 1): void {
    for (let count = 0; count < ticks; count += 1) this.node(id).tick();
  }

  /** Makes a snapshot of what a node has applied, and drops its log up to there. */
  snapshot(id: number): void {
    const { storage, appliedIndex: index, applied } = this.member(id);
    const { configuration } = storage.initialState().membership;
    const term = storage.term(index);
    if (term === undefined) throw new Error(`The node ${id} has nothing to make a snapshot of.`);
    storage.saveSnapshot({ index, term, configuration, data: new TextEncoder().encode(JSON.stringify(applied)) });
    storage.purge(index);
  }

  /** Cuts nodes off from all others, until `heal`. */
  isolate(...ids: readonly number[]): void {
    this.loses = ({ from, to }) => ids.includes(from) !== ids.includes(to);
  }

  heal(): void {
    this.loses = () => false;
  }
}

function install(member: Member, snapshot: Snapshot): void {
  member.storage.install(snapshot);
  member.applied = snapshot.data.length === 0 ? [] : (JSON.parse(new TextDecoder().decode(snapshot.data)) as string[]);
  member.appliedIndex = snapshot.index;
}

function apply(member: Member, entry: Entry): void {
  if (entry.kind === 'configuration')
    member.storage.setMembership({ index: entry.index, configuration: member.node.applyConfigurationChange(entry) });
  else if (entry.data.length > 0) member.applied.push(new TextDecoder().decode(entry.data));
  member.appliedIndex = entry.index;
}
