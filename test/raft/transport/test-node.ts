import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realSchedule } from '../../../src/environment/timers';
import type { Heartbeat, InstallSnapshot, PeerMessage } from '../../../src/raft/core/messages';
import type { Purpose } from '../../../src/raft/transport/handshake';
import type { NodeIdentity, PeerRefusal, TransportReceiver } from '../../../src/raft/transport/raft-transport';
import { dialNode } from '../../../src/raft/transport/tcp-dialler';
import { defaultLimits, type TcpTransportOptions, type TransportLimits } from '../../../src/raft/transport/tcp-options';
import { TcpTransport } from '../../../src/raft/transport/tcp-transport';
import type { FaultProxy } from './fault-proxy';

export const cluster = 'ab'.repeat(16);
export const secret = 'a secret of these tests';
export const listen = { host: '127.0.0.1', port: 0 };

/** Bounds so small that a test need not wait long. */
export const quick: Partial<TransportLimits> = { pingMs: 20, silentMs: 200, redialMs: [5, 30], helloMs: 2_000 };

type Own = Partial<NodeIdentity> & Partial<TcpTransportOptions>;

/** A node with a transport over TCP that notes what it gets. */
export class TestNode implements TransportReceiver {
  readonly transport: TcpTransport;
  readonly received: PeerMessage[] = [];
  readonly refusals: PeerRefusal[] = [];
  readonly lost: number[] = [];
  readonly peers: NodeIdentity[] = [];
  readonly snapshots: Buffer[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'raft-tcp-'));
  readonly #identity: NodeIdentity;

  constructor(node: number, own: Own = {}) {
    const { cluster: id = cluster, start = 1, limits, tls, ...others } = own;
    const { release = '1.0.0', schema = 1, analyzer = '1', ...rest } = others;
    this.#identity = { cluster: id, node, start, release, schema, analyzer };
    const proof = tls === undefined ? { secret } : { tls };
    this.transport = new TcpTransport({ listen, randomBytes, ...proof, ...rest, limits: { ...quick, ...limits } });
    all.push(this);
  }

  static async start(node: number, own: Own = {}): Promise<TestNode> {
    const made = new TestNode(node, own);
    await made.transport.start(made);
    return made;
  }

  /** A node that others reach only through a proxy. */
  static async behind(proxy: FaultProxy, node: number, own: Own = {}): Promise<TestNode> {
    const made = await TestNode.start(node, { ...own, advertise: proxy.address });
    proxy.target = `127.0.0.1:${made.transport.port}`;
    return made;
  }

  get node(): number {
    return this.#identity.node;
  }

  get terms(): readonly number[] {
    return this.received.map(({ term }) => term);
  }

  identity(): NodeIdentity {
    return this.#identity;
  }

  receive(message: PeerMessage): void {
    this.received.push(message);
  }

  async request(_from: number | undefined, body: Uint8Array): Promise<Uint8Array> {
    return body;
  }

  snapshotPath(): string {
    return join(this.folder, 'received.db');
  }

  async receiveSnapshot(_message: InstallSnapshot, path: string): Promise<void> {
    this.snapshots.push(readFileSync(path));
  }

  unreachable(node: number): void {
    this.lost.push(node);
  }

  refused(refusal: PeerRefusal): void {
    this.refusals.push(refusal);
  }

  met(peer: NodeIdentity): void {
    this.peers.push(peer);
  }

  /** Sends a heartbeat. */
  send(to: number, term = 1): void {
    this.transport.send([heartbeat(this.node, to, term)]);
  }
}

const all: TestNode[] = [];

/** Closes all nodes of a test. */
export async function closeNodes(): Promise<void> {
  for (const node of all.splice(0)) {
    await node.transport.close();
    rmSync(node.folder, { recursive: true, force: true });
  }
}

/** Tells nodes each other's addresses. */
export function introduce(...nodes: readonly TestNode[]): void {
  const addresses = new Map(nodes.map((each) => [each.node, each.transport.address]));
  for (const each of nodes) each.transport.setMembers(addresses);
}

export function heartbeat(from: number, to: number, term: number): Heartbeat {
  return { kind: 'heartbeat', from, to, term, commit: 0, readRound: 0 };
}

export function snapshotMessage(from: number, to: number, index = 12): InstallSnapshot {
  const configuration = { voters: [1, 2], outgoing: [], learners: [], learnersNext: [], autoLeave: false };
  return { kind: 'snapshot', from, to, term: 4, snapshot: { index, term: 3, configuration, data: Uint8Array.of(1) } };
}

/** Connects as a node would, and gives the raw connection. */
export async function dialAs(node: number, to: TestNode, purpose: Purpose = 'messages', start = 1) {
  const identity = { cluster, node, start, release: '1.0.0', schema: 1, analyzer: '1' };
  const target = { address: to.transport.address, node: to.node, purpose, check: () => undefined };
  return dialNode(target, {
    tls: undefined,
    secret,
    limits: { ...defaultLimits, ...quick },
    schedule: realSchedule,
    randomBytes,
    greeting: () => ({ identity, boot: `boot ${start}`, address: '127.0.0.1:1' }),
  });
}

/** Waits until something holds, and fails after a while that is long enough on a busy machine. */
export async function until(holds: () => boolean, what = 'it'): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`Waited too long until ${what} held.`);
    await sleep(3);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sends until something arrives. */
export async function connect(from: TestNode, to: TestNode): Promise<void> {
  const before = to.received.length;
  await until(() => {
    from.send(to.node);
    return to.received.length > before;
  }, `a message from ${from.node} to ${to.node}`);
}
