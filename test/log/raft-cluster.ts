import type { ClusterMembership } from '../../src/domain/cluster-membership';
import type { Command, Outcome } from '../../src/domain/command';
import type { EntryResult, LogEntry, LogPosition } from '../../src/domain/frame';
import { encodeFrame } from '../../src/log/frame-codec';
import { RaftLog, type RaftLogDeps } from '../../src/log/raft-log';
import type { BarrierLevel, LogStatus, ReplicatedLog } from '../../src/log/replicated-log';
import { configurationOf } from '../../src/raft/core/configuration';
import { noBytes } from '../../src/raft/core/entry';
import type { PeerMessage, Snapshot } from '../../src/raft/core/messages';
import { RaftHost } from '../../src/raft/node/raft-host';
import { MemoryStorage } from '../../src/raft/storage/memory-storage';
import type { RaftStorage } from '../../src/raft/storage/raft-storage';
import { InProcessNetwork } from '../../src/raft/transport/in-process-network';
import type { RaftTransport } from '../../src/raft/transport/raft-transport';
import { VirtualTime } from './virtual-time';

/** What a peer applies entries to, such as a `StateStore`. */
export interface EntryTarget {
  /** Applies the next entry whole, or throws and keeps nothing of it. */
  applyEntry(entry: LogEntry): { readonly result: EntryResult };
  logPosition(): LogPosition;
  /** Replaces the state by that of a snapshot. Returns the members that it then has. Default: fails. */
  install?(snapshot: Snapshot): ClusterMembership;
  /** The members as of `logPosition`. Default: all peers. */
  membership?(): ClusterMembership | undefined;
}

/** The part of the messages that each fault strikes, in percent. */
export interface NetworkFaults {
  readonly lost?: number;
  readonly doubled?: number;
  readonly delayed?: number;
}

export interface RaftClusterOptions {
  /** One for each peer, in the order of their ids, which begin at 1. */
  readonly targets: readonly EntryTarget[];
  readonly maxPending: number;
  readonly seed: number;
  /** How many of the peers are members from the beginning. The others have an empty log. Default: all. */
  readonly voters?: number;
  /** What the members begin with. Default: an empty log that names them as voters. */
  readonly first?: Snapshot;
  /** Replaces the storage of a peer, for faults of its disk. */
  readonly storageOf?: (id: number, storage: MemoryStorage) => RaftStorage;
  /** Makes the log of a peer. Default: a `RaftLog`. */
  readonly createLog?: (deps: RaftLogDeps) => RaftLog;
}

interface Peer {
  readonly id: number;
  readonly storage: MemoryStorage;
  host: RaftHost;
  log: RaftLog;
  start: number;
  isStopped: boolean;
  readonly started: Promise<void>;
}

const cluster = 'c'.repeat(32);
// Enough for two elections, and for frames that are sent again.
const settlingMs = 5_000;
const maxSettlingMs = 300_000;
// A message that is delayed arrives after as long at most.
const maxDelayMs = 600;

/**
 * Some peers in one thread, with a log each: the nodes and the logs of the product over storages in memory and a network in the process.
 * Faults and elections follow from the seed. Time passes only while a caller waits.
 */
export class RaftCluster {
  readonly #options: RaftClusterOptions;
  readonly time = new VirtualTime();
  readonly network: InProcessNetwork;
  readonly #peers: readonly Peer[];
  /** Sees each message before it is sent. */
  onMessage: ((message: PeerMessage) => void) | undefined;
  #calls = 0;
  #isPumping = false;
  /** The id of the peer whose next frame to the leader gets lost. */
  #losesFrameOf: number | undefined;

  constructor(options: RaftClusterOptions) {
    this.#options = options;
    const copySnapshot = async () => undefined;
    this.network = new InProcessNetwork({ seed: options.seed, schedule: this.time.schedule, copySnapshot });
    const empty = { index: 0, term: 0, configuration: configurationOf(this.#voters), data: noBytes };
    const { first = empty } = options;
    this.#peers = options.targets.map((_, at) => {
      const storage = new MemoryStorage(this.#voters.includes(at + 1) ? first : undefined);
      return this.#started(at + 1, storage, 1);
    });
  }

  get ids(): readonly number[] {
    return this.#peers.map(({ id }) => id);
  }

  /** The leader's id. There is one after `settle`, unless too many peers are stopped. */
  get leader(): number {
    const found = this.#peers.find(({ isStopped, host }) => !isStopped && host.status().role === 'leader');
    if (found === undefined) throw new Error('No peer leads.');
    return found.id;
  }

  set faults({ lost = 0, doubled = 0, delayed = 0 }: NetworkFaults) {
    const delayMs = [0, delayed > 0 ? Math.round((maxDelayMs * delayed) / 100) : 0] as const;
    this.network.setConditions({ loss: lost / 100, duplicates: doubled / 100, delayMs });
  }

  /** The log of a peer, of its present start. */
  log(id: number): ReplicatedLog {
    return this.#watched(this.#peer(id).log);
  }

  host(id: number): RaftHost {
    return this.#peer(id).host;
  }

  /** Resolves when a peer has started. */
  started(id: number): Promise<void> {
    return this.#peer(id).started;
  }

  /** A frame of another cluster. */
  foreignFrame(commands: readonly Command[]): Uint8Array {
    return encodeFrame({ cluster: 'd'.repeat(32), incarnation: { node: 9, start: 1 }, number: 1, commands });
  }

  /** The first frame of a start of a node. */
  frame(node: number, start: number, commands: readonly Command[]): Uint8Array {
    return encodeFrame({ cluster, incarnation: { node, start }, number: 1, commands });
  }

  storage(id: number): MemoryStorage {
    return this.#peer(id).storage;
  }

  /** Stops a peer at once. */
  stop(id: number): void {
    const peer = this.#peer(id);
    peer.isStopped = true;
    void peer.log.abort();
  }

  /** Stops a peer, if it runs, and starts it again with what its storage and its state hold. */
  restart(id: number): ReplicatedLog {
    this.stop(id);
    const peer = this.#peer(id);
    Object.assign(peer, this.#started(id, peer.storage, peer.start + 1));
    return this.log(id);
  }

  /** Loses everything between these peers and the others, until it is called with no id. */
  cutOff(...ids: readonly number[]): void {
    if (ids.length === 0) this.network.heal();
    else this.network.partition(ids.map(addressOf));
  }

  /** Loses the next frame that a peer sends to the leader. */
  loseNextFrame(id: number): void {
    this.#losesFrameOf = id;
  }

  /** Runs until no peer has applied anything for a time, so that every peer that can has applied everything. */
  async settle(): Promise<void> {
    let applied = -1;
    const end = this.time.elapsedMs() + maxSettlingMs;
    for (let quietSince = this.time.elapsedMs(); this.time.elapsedMs() - quietSince < settlingMs; ) {
      await this.time.step();
      const sum = this.#options.targets.reduce((total, target) => total + target.logPosition().index, 0);
      if (sum > applied) quietSince = this.time.elapsedMs();
      applied = sum;
      if (this.time.elapsedMs() > end) throw new Error('The peers do not come to rest.');
    }
  }

  /** Runs while a call is under way. */
  async run<T>(call: Promise<T>): Promise<T> {
    this.#calls++;
    void this.#pump();
    try {
      return await call;
    } finally {
      this.#calls--;
    }
  }

  #started(id: number, storage: MemoryStorage, start: number): Peer {
    const { targets, seed, maxPending, createLog = (deps) => new RaftLog(deps) } = this.#options;
    const target = targets[id - 1] as EntryTarget;
    const membership = target.membership?.() ?? this.#firstMembership(id);
    const { time: timing } = this;
    const { storageOf = (_, each) => each } = this.#options;
    const host = new RaftHost({
      identity: { cluster, node: id, start, release: '1', schema: 1, analyzer: '1' },
      seed: seed * 1_000 + id * 100 + start,
      storage: storageOf(id, storage),
      transport: this.#transport(id),
      applied: target.logPosition(),
      membership,
      timing,
      snapshotPath: ({ index }) => `${index}.db`,
    });
    const log = createLog({
      link: host,
      cluster,
      incarnation: { node: id, start },
      apply: (entry) => target.applyEntry(entry).result,
      install: async (snapshot) => {
        if (target.install === undefined) throw new Error('The state takes no snapshot.');
        return target.install(snapshot);
      },
      position: () => target.logPosition().index,
      timing,
      maxPending,
      waitMs: 10_000,
    });
    const started = log.start();
    started.catch(() => undefined);
    return { id, storage, host, log, start, isStopped: false, started };
  }

  get #voters(): readonly number[] {
    const { targets, voters = targets.length } = this.#options;
    return Array.from({ length: voters }, (_, at) => at + 1);
  }

  #firstMembership(id: number): ClusterMembership {
    const ids = this.#voters.includes(id) ? this.#voters : [];
    const addresses = Object.fromEntries(ids.map((each) => [each, addressOf(each)]));
    return { index: 0, configuration: configurationOf(ids), addresses };
  }

  /** A transport that loses the frame that a test wants to be lost. */
  #transport(id: number): RaftTransport {
    const transport = this.network.transport(addressOf(id));
    const send = transport.send.bind(transport);
    transport.send = (messages) => {
      for (const message of messages) this.onMessage?.(message);
      send(messages.filter((message) => !this.#isLostFrame(message)));
    };
    return transport;
  }

  #isLostFrame({ kind, from }: PeerMessage): boolean {
    if (kind !== 'propose' || from !== this.#losesFrameOf) return false;
    this.#losesFrameOf = undefined;
    return true;
  }

  /** Lets time pass while a caller of the log waits. */
  #watched(log: RaftLog): ReplicatedLog {
    return {
      propose: (command: Command): Promise<Outcome> => this.run(log.propose(command)),
      barrier: (level: BarrierLevel) => this.run(log.barrier(level)),
      position: () => log.position(),
      get pending() {
        return log.pending;
      },
      status: (): LogStatus => log.status(),
      close: () => this.run(log.close()),
    };
  }

  #peer(id: number): Peer {
    const found = this.#peers[id - 1];
    if (found === undefined) throw new Error(`There is no peer ${id}.`);
    return found;
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#calls > 0) await this.time.step();
    this.#isPumping = false;
  }
}

/** The address of a peer in the network. */
export function addressOf(id: number): string {
  return `peer-${id}`;
}
