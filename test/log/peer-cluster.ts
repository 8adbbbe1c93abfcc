import { nextTurn } from '../../src/environment/timers';
import type { ReplicatedLog } from '../../src/log/replicated-log';
import { configurationOf } from '../../src/raft/core/configuration';
import { noBytes } from '../../src/raft/core/entry';
import { Generator } from '../../src/raft/core/generator';
import type { PeerMessage } from '../../src/raft/core/messages';
import { RaftNode } from '../../src/raft/core/raft-node';
import { MemoryStorage } from '../../src/raft/storage/memory-storage';
import { type EntryTarget, PeerLog, type PeerLogDeps } from './peer-log';

/** The part of the messages that each fault strikes, in percent. */
export interface NetworkFaults {
  readonly lost?: number;
  readonly doubled?: number;
  readonly delayed?: number;
}

export interface PeerClusterOptions {
  /** One for each peer, in the order of their ids, which begin at 1. */
  readonly targets: readonly EntryTarget[];
  readonly maxPending: number;
  readonly seed: number;
  /** Makes the log of a peer. Default: a `PeerLog`. */
  readonly createLog?: (deps: PeerLogDeps) => PeerLog;
}

interface Peer {
  readonly id: number;
  readonly storage: MemoryStorage;
  node: RaftNode;
  log: PeerLog;
  start: number;
  /** False while it is stopped or has halted. */
  isRunning: boolean;
}

const cluster = 'c'.repeat(32);
// Enough for two elections, and for frames that are sent again.
const settlingTicks = 100;
// A message that is delayed arrives after as many rounds at most.
const maxDelay = 12;

/**
 * Some peers in one thread, with a log each. One order is decided by the consensus of `raft/core`. The network, the order of its faults and
 * time follow from the seed. Time passes only when nothing else happens.
 */
export class PeerCluster {
  readonly #options: PeerClusterOptions;
  readonly #peers: readonly Peer[];
  readonly #random: Generator;
  #inTransit: { readonly message: PeerMessage; rounds: number }[] = [];
  #cutOff: ReadonlySet<number> = new Set();
  #isPumping = false;
  faults: NetworkFaults = {};
  /** The id of the peer whose next frame to the leader gets lost. */
  #losesFrameOf: number | undefined;

  constructor(options: PeerClusterOptions) {
    this.#options = options;
    this.#random = new Generator(options.seed);
    const voters = options.targets.map((_, at) => at + 1);
    const start = { index: 0, term: 0, configuration: configurationOf(voters), data: noBytes };
    this.#peers = voters.map((id) => this.#started(id, new MemoryStorage(start), 1));
  }

  get ids(): readonly number[] {
    return this.#peers.map(({ id }) => id);
  }

  /** The leader's id. There is one after `settle`, unless too many peers are stopped. */
  get leader(): number {
    const found = this.#peers.find(({ isRunning, log }) => isRunning && log.status().role === 'leader');
    if (found === undefined) throw new Error('No peer leads.');
    return found.id;
  }

  log(id: number): ReplicatedLog {
    return this.#peer(id).log;
  }

  /** Stops a peer at once. */
  stop(id: number): void {
    const peer = this.#peer(id);
    peer.isRunning = false;
    this.#inTransit = this.#inTransit.filter(({ message }) => message.to !== id);
    peer.log.crash();
  }

  /** Stops a peer, if it runs, and starts it again with what its storage and its state hold. */
  restart(id: number): ReplicatedLog {
    this.stop(id);
    const peer = this.#peer(id);
    Object.assign(peer, this.#started(id, peer.storage, peer.start + 1));
    return peer.log;
  }

  /** Loses everything between these peers and the others, until it is called with no id. */
  cutOff(...ids: readonly number[]): void {
    this.#cutOff = new Set(ids);
  }

  /** Loses the next frame that a peer sends to the leader. */
  loseNextFrame(id: number): void {
    this.#losesFrameOf = id;
  }

  /** Runs until no peer has applied anything for a time, so that every peer that can has applied everything. */
  async settle(): Promise<void> {
    let applied = -1;
    for (let quietTicks = 0; quietTicks < settlingTicks; quietTicks++) {
      while (this.#round());
      this.#tick();
      await nextTurn();
      const sum = this.#options.targets.reduce((total, target) => total + target.logPosition().index, 0);
      if (sum > applied) quietTicks = 0;
      applied = sum;
    }
  }

  #started(id: number, storage: MemoryStorage, start: number): Peer {
    const { targets, seed, maxPending, createLog = (deps) => new PeerLog(deps) } = this.#options;
    const target = targets[id - 1] as EntryTarget;
    const node = new RaftNode({
      id,
      storage,
      seed: seed * 1_000 + id * 100 + start,
      applied: target.logPosition().index,
    });
    const log = createLog({
      cluster,
      incarnation: { node: id, start },
      node,
      target,
      maxPending,
      wake: () => void this.#pump(),
    });
    return { id, storage, node, log, start, isRunning: true };
  }

  #peer(id: number): Peer {
    const found = this.#peers[id - 1];
    if (found === undefined) throw new Error(`There is no peer ${id}.`);
    return found;
  }

  /** Runs while somebody waits for an answer. */
  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    do {
      await nextTurn();
      if (!this.#round()) this.#tick();
    } while (this.#peers.some(({ isRunning, log }) => isRunning && log.isAwaited));
    this.#isPumping = false;
  }

  #tick(): void {
    for (const { isRunning, node, log } of this.#peers) {
      if (!isRunning) continue;
      node.tick();
      log.tick();
    }
  }

  /** Lets each peer do what it has to do, and delivers what is due. False if there was nothing. */
  #round(): boolean {
    let hasMoved = this.#inTransit.length > 0;
    for (const peer of this.#peers) {
      if (peer.isRunning) peer.log.sendWaiting();
      while (peer.isRunning && peer.node.hasReady) {
        this.#process(peer);
        hasMoved = true;
      }
    }
    this.#deliver();
    return hasMoved;
  }

  /** Does what the core of one peer asks for. */
  #process(peer: Peer): void {
    const { node, storage, log } = peer;
    const ready = node.ready();
    this.#transmit(ready.messages);
    if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
    storage.append(ready.entries);
    this.#transmit(ready.messagesAfterSync);
    for (const entry of ready.committed) {
      if (!log.apply(entry)) peer.isRunning = false;
      // A peer that is stopped while it applies an entry does not tell its core.
      if (!peer.isRunning) return;
    }
    for (const { context, index } of ready.readStates) log.readAt(context, index);
    node.advance();
  }

  #transmit(messages: readonly PeerMessage[]): void {
    const { lost = 0, doubled = 0, delayed = 0 } = this.faults;
    for (const message of messages) {
      if (this.#cutOff.has(message.from) !== this.#cutOff.has(message.to)) continue;
      if (this.#isLostFrame(message) || this.#strikes(lost)) continue;
      for (let copies = this.#strikes(doubled) ? 2 : 1; copies > 0; copies--)
        this.#inTransit.push({ message, rounds: this.#strikes(delayed) ? this.#random.below(maxDelay) : 0 });
    }
  }

  #isLostFrame({ kind, from }: PeerMessage): boolean {
    if (kind !== 'propose' || from !== this.#losesFrameOf) return false;
    this.#losesFrameOf = undefined;
    return true;
  }

  #strikes(percent: number): boolean {
    return percent > 0 && this.#random.below(100) < percent;
  }

  #deliver(): void {
    const due = this.#inTransit.filter(({ rounds }) => rounds === 0);
    this.#inTransit = this.#inTransit.filter(({ rounds }) => rounds > 0);
    for (const late of this.#inTransit) late.rounds--;
    for (const { message } of due) {
      const { isRunning, node } = this.#peer(message.to);
      if (isRunning) node.step(message);
    }
  }
}
