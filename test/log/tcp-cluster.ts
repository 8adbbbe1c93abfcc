import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterMembership } from '../../src/domain/cluster-membership';
import { pause } from '../../src/environment/timers';
import { RaftLog } from '../../src/log/raft-log';
import { configurationOf } from '../../src/raft/core/configuration';
import type { PeerMessage } from '../../src/raft/core/messages';
import { systemTiming } from '../../src/raft/node/host-timing';
import { RaftHost } from '../../src/raft/node/raft-host';
import { SegmentStorage } from '../../src/raft/storage/segment-storage';
import type { TcpTransportOptions } from '../../src/raft/transport/tcp-options';
import { TcpTransport } from '../../src/raft/transport/tcp-transport';
import { NumberedState } from '../raft/node/numbered-state';
import { command } from './recorded-state';

const cluster = 'c'.repeat(32);

/** How the nodes reach each other. */
export interface TcpNetwork {
  /** What a node proves itself with. */
  readonly proof: Pick<TcpTransportOptions, 'tls' | 'secret' | 'advertise'>;
  /** The address at which one node dials another. */
  route(from: number, to: number, address: string): string;
}

const directNetwork: TcpNetwork = {
  proof: { secret: 'a secret of the tests of clusters' },
  route: (_, __, address) => address,
};

/** A node with its disk, its port and its state. The state survives a restart, as a database does. */
export class TcpNode {
  readonly folder: string;
  readonly id: number;
  readonly port: number;
  state: NumberedState = new NumberedState();
  log: RaftLog;
  host: RaftHost;
  /** While true, no sync of the disk ends. */
  isStalled = false;
  /** Messages that this node loses before they are sent. */
  loses: (message: PeerMessage) => boolean = () => false;
  readonly #stalled: (() => void)[] = [];
  readonly #network: TcpNetwork;

  private constructor(folder: string, port: number, storage: SegmentStorage, network: TcpNetwork) {
    this.#network = network;
    this.folder = folder;
    this.port = port;
    this.id = storage.identity.node;
    // Replaced by `start`, which needs the members.
    this.host = undefined as unknown as RaftHost;
    this.log = undefined as unknown as RaftLog;
  }

  static async create(parent: string, name: string, network = directNetwork): Promise<TcpNode> {
    const folder = join(parent, name);
    fs.mkdirSync(folder, { mode: 0o700 });
    const storage = await SegmentStorage.open({ folder, randomBytes });
    storage.setCluster(cluster);
    const node = new TcpNode(folder, await freePort(), storage, network);
    await storage.close();
    return node;
  }

  /** Founds the cluster on the disk of this node. */
  async found(membership: ClusterMembership): Promise<void> {
    this.state = new NumberedState(membership);
    const storage = await SegmentStorage.open({ folder: this.folder, randomBytes });
    const hardState = { term: 1, vote: 0, commit: 1 };
    await storage.store({ snapshot: this.state.snapshot(), entries: [], hardState });
    await storage.close();
  }

  async start(): Promise<void> {
    const storage = await SegmentStorage.open({ folder: this.folder, randomBytes, calls: this.#calls() });
    const { start } = storage.identity;
    const timing = systemTiming();
    const { state } = this;
    this.host = new RaftHost({
      identity: { cluster, node: this.id, start, release: '1', schema: 1, analyzer: '1' },
      seed: this.id % 1_000_000,
      storage,
      transport: this.#transport(),
      applied: state.logPosition(),
      membership: state.membership() as ClusterMembership,
      timing,
      snapshotPath: ({ index, term }) => join(this.folder, 'snapshots', `${index}-${term}.db`),
    });
    this.log = new RaftLog({
      link: this.host,
      cluster,
      incarnation: { node: this.id, start },
      apply: (entry) => state.applyEntry(entry).result,
      install: async (snapshot) => state.install(snapshot),
      position: () => state.logPosition().index,
      timing,
      maxPending: 10_000,
      waitMs: 5_000,
    });
    await this.log.start();
  }

  /** Lets the syncs of the disk end. */
  resumeDisk(): void {
    this.isStalled = false;
    for (const run of this.#stalled.splice(0)) run();
  }

  #transport(): TcpTransport {
    const { proof, route } = this.#network;
    const transport = new TcpTransport({ listen: { host: '127.0.0.1', port: this.port }, ...proof, randomBytes });
    const send = transport.send.bind(transport);
    transport.send = (messages) => send(messages.filter((message) => !this.loses(message)));
    const setMembers = transport.setMembers.bind(transport);
    transport.setMembers = (members) =>
      setMembers(new Map([...members].map(([id, address]) => [id, route(this.id, id, address)])));
    return transport;
  }

  #calls(): typeof fs {
    const fdatasync = ((fd: number, done: fs.NoParamCallback) => {
      if (this.isStalled) this.#stalled.push(() => fs.fdatasync(fd, done));
      else fs.fdatasync(fd, done);
    }) as typeof fs.fdatasync;
    return { ...fs, fdatasync };
  }
}

/** Nodes over TCP on this machine, with a log on disk each. */
export class TcpCluster {
  readonly folder: string;
  readonly nodes: readonly TcpNode[];

  private constructor(folder: string, nodes: readonly TcpNode[]) {
    this.folder = folder;
    this.nodes = nodes;
  }

  static async open(count: number, network = directNetwork): Promise<TcpCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'mam-nodes-'));
    const nodes: TcpNode[] = [];
    for (let i = 0; i < count; i++) nodes.push(await TcpNode.create(folder, `node-${i}`, network));
    const addresses = Object.fromEntries(nodes.map(({ id, port }) => [id, `127.0.0.1:${port}`]));
    const membership = { index: 1, configuration: configurationOf(nodes.map(({ id }) => id)), addresses };
    for (const node of nodes) await node.found(membership);
    await Promise.all(nodes.map((node) => node.start()));
    return new TcpCluster(folder, nodes);
  }

  /** The node that leads, with a majority that follows it. */
  async leader(among: readonly TcpNode[] = this.nodes): Promise<TcpNode> {
    for (let tries = 0; tries < 400; tries++) {
      const found = among.find(({ host }) => host.status().role === 'leader' && host.hasReadLease);
      if (found !== undefined) return found;
      await pause(25, undefined, { keepsAlive: true });
    }
    throw new Error('No node leads.');
  }

  /** Proposes a command until it is answered. Returns how long that took, in milliseconds. */
  async write(node: TcpNode, n: number): Promise<number> {
    const began = performance.now();
    await node.log.propose(command(n));
    return performance.now() - began;
  }

  /** Resolves when all nodes have applied the same. */
  async settled(): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const positions = this.nodes.map(({ state }) => state.logPosition().index);
      if (new Set(positions).size === 1) return;
      await pause(25, undefined, { keepsAlive: true });
    }
    throw new Error(`The nodes have applied ${this.nodes.map(({ state }) => state.logPosition().index).join(', ')}.`);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(({ log }) => log.abort()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
